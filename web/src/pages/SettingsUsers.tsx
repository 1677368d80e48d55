import { Page } from '../parts/Page'

export const SettingsUsers = () => <Page title="Users" />
