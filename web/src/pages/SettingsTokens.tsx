import { Page } from '../parts/Page'

export const SettingsTokens = () => <Page title="Tokens" />
