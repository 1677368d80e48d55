import { Page } from '../parts/Page'

export const SettingsRoles = () => <Page title="Roles" />
