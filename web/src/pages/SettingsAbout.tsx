import { Page } from '../parts/Page'

export const SettingsAbout = () => <Page title="About" />
