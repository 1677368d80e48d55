// The pages of one thing, for `<Page tabs>` and `<Page crumbs>`.
import { paths } from '../paths'

export const serverTabs = (name: string) => ({
  label: `Server ${name}`,
  items: [
    { text: 'Overview', to: paths.server(name) },
    { text: 'Connect', to: paths.connect(name) },
    { text: 'Parameters', to: paths.parameters(name) },
    { text: 'Networking', to: paths.networking(name) },
    { text: 'Data encryption', to: paths.encryption(name) },
    { text: 'Posture', to: paths.serverPosture(name) },
  ],
})

export const postureTabs = (name: string) => ({
  label: `Posture of ${name}`,
  items: [
    { text: 'Recommendations', to: paths.serverPosture(name) },
    { text: 'History', to: paths.postureHistory(name) },
    { text: 'Fixes', to: paths.postureFixes(name) },
    { text: 'Waivers', to: paths.postureWaivers(name) },
    { text: 'Roles', to: paths.postureRoles(name) },
    { text: 'Connections', to: paths.postureHba(name) },
  ],
})

export const postureCrumbs = (name?: string) => [
  { text: 'Home', to: paths.home() },
  { text: 'Posture', to: paths.posture() },
  ...(name ? [{ text: name, to: paths.serverPosture(name) }] : []),
]

export const serverCrumbs = (name?: string) => [
  { text: 'Home', to: paths.home() },
  { text: 'Servers', to: paths.servers() },
  ...(name ? [{ text: name, to: paths.server(name) }] : []),
]

export const keyvaultCrumbs = (vault?: string) => [
  { text: 'Home', to: paths.home() },
  { text: 'Key vaults', to: paths.keyvaults() },
  ...(vault ? [{ text: vault, to: paths.keyvault(vault) }] : []),
]

export const identityCrumbs = [
  { text: 'Home', to: paths.home() },
  { text: 'Identities', to: paths.identities() },
]

export const settingsCrumbs = [
  { text: 'Home', to: paths.home() },
  { text: 'Settings', to: paths.settings() },
]

export const keyvaultTabs = (vault: string) => ({
  label: `Key vault ${vault}`,
  items: [
    { text: 'Keys', to: paths.keyvault(vault) },
    { text: 'Deleted keys', to: paths.deletedKeys(vault) },
    { text: 'Roles', to: paths.keyvaultRoles(vault) },
    { text: 'Audit', to: paths.keyvaultAudit(vault) },
  ],
})

export const settingsTabs = {
  label: 'Settings',
  items: [
    { text: 'Users', to: paths.settingsUsers() },
    { text: 'Roles', to: paths.settingsRoles() },
    { text: 'Tokens', to: paths.settingsTokens() },
    { text: 'Sign-in', to: paths.settingsSignIn() },
    { text: 'Activity', to: paths.settingsActivity() },
    { text: 'About', to: paths.settingsAbout() },
  ],
}
