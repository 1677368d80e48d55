export { ActivityPage as SettingsActivity } from './settings/ActivityPage'
