export { UsersPage as SettingsUsers } from './settings/UsersPage'
