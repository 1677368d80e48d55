import { Page } from '../parts/Page'

export const SettingsSignIn = () => <Page title="Sign-in" />
