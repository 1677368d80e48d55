export { AboutPage as SettingsAbout } from './settings/AboutPage'
