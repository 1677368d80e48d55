export { TokensPage as SettingsTokens } from './settings/TokensPage'
