import { Page } from '../parts/Page'

export const SettingsActivity = () => <Page title="Activity" />
