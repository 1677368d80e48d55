export { SignInSettingsPage as SettingsSignIn } from './settings/SignInPage'
