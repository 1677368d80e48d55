export { SettingsRolesPage as SettingsRoles } from './settings/RolesPage'
