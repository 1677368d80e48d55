// Every address of the portal. A link takes a Path, so a typed-in string does not compile.

/** An address inside the portal. */
export type Path = string & { readonly portal: unique symbol }

type Query = Record<string, string | number | boolean | undefined>

const e = encodeURIComponent

const at = (path: string, query: Query = {}): Path => {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') search.set(key, String(value))
  }
  const text = search.toString()
  return (text ? `${path}?${text}` : path) as Path
}

/** A query of the page about logs, and which events count. */
export interface LogsLink {
  query: string
  timespan: string
}

/** What stands behind `#`: unlike a search parameter it is seen by no server and no log. */
export const logsHash = ({ query, timespan }: LogsLink): string =>
  new URLSearchParams({ q: query, t: timespan }).toString()

export const paths = {
  home: () => at('/'),
  signIn: (back?: string) => at('/sign-in', { back }),
  servers: (query: { q?: string; create?: boolean } = {}) => at('/servers', query),
  server: (name: string) => at(`/servers/${e(name)}`),
  connect: (name: string, query: { snippet?: string; role?: string } = {}) =>
    at(`/servers/${e(name)}/connect`, query),
  parameters: (name: string, query: { q?: string; tab?: string } = {}) =>
    at(`/servers/${e(name)}/parameters`, query),
  networking: (name: string) => at(`/servers/${e(name)}/networking`),
  encryption: (name: string) => at(`/servers/${e(name)}/encryption`),
  keyvaults: (query: { q?: string; create?: boolean } = {}) => at('/keyvaults', query),
  keyvault: (vault: string) => at(`/keyvaults/${e(vault)}`),
  key: (vault: string, key: string) => at(`/keyvaults/${e(vault)}/keys/${e(key)}`),
  deletedKeys: (vault: string) => at(`/keyvaults/${e(vault)}/deleted`),
  keyvaultRoles: (vault: string) => at(`/keyvaults/${e(vault)}/roles`),
  keyvaultAudit: (vault: string) => at(`/keyvaults/${e(vault)}/audit`),
  identities: (query: { q?: string; create?: boolean } = {}) => at('/identities', query),
  identity: (name: string) => at(`/identities/${e(name)}`),
  logs: (link?: LogsLink) => (link ? `${at('/logs')}#${logsHash(link)}` as Path : at('/logs')),
  posture: (query: { q?: string } = {}) => at('/posture', query),
  serverPosture: (name: string, query: { verdict?: string; severity?: string; topic?: string; check?: string; profile?: string } = {}) =>
    at(`/posture/${e(name)}`, query),
  postureHistory: (name: string, query: { from?: number; to?: number } = {}) => at(`/posture/${e(name)}/history`, query),
  postureFixes: (name: string) => at(`/posture/${e(name)}/fixes`),
  postureWaivers: (name: string) => at(`/posture/${e(name)}/waivers`),
  postureRoles: (name: string, query: { role?: string } = {}) => at(`/posture/${e(name)}/roles`, query),
  postureHba: (name: string, query: { role?: string; database?: string; address?: string; tls?: boolean } = {}) =>
    at(`/posture/${e(name)}/hba`, query),
  tables: (query: { q?: string } = {}) => at('/tables', query),
  connectors: (query: { q?: string } = {}) => at('/connectors', query),
  settings: () => at('/settings'),
  settingsUsers: () => at('/settings/users'),
  settingsRoles: () => at('/settings/roles'),
  settingsTokens: () => at('/settings/tokens'),
  settingsSignIn: () => at('/settings/sign-in'),
  settingsActivity: () => at('/settings/activity'),
  settingsAbout: () => at('/settings/about'),
  jobs: () => at('/jobs'),
} as const

/**
 * A path that came from outside (the API's links, `?back=`): kept when it is one of this
 * portal's own, otherwise the home page. `//host` and `/\host` would leave the portal.
 */
export const safePath = (text: string | undefined | null): Path => {
  if (!text || !/^\/(?![/\\])/.test(text) || /[\u0000-\u001f\\]/.test(text)) return paths.home()
  return text as Path
}

const BACK = 'pgkeep.back'

/** Remembers where to go on while a provider signs somebody in. */
export const keepBack = (back: string) => {
  try {
    if (back) sessionStorage.setItem(BACK, back)
  } catch {
    // Then it is the home page.
  }
}

/** Where to go on; told once. */
export const takeBack = (): Path | undefined => {
  try {
    const back = sessionStorage.getItem(BACK)
    sessionStorage.removeItem(BACK)
    return back ? safePath(back) : undefined
  } catch {
    return undefined
  }
}

/** A path below /api/v1 with its variables encoded: apiPath`/servers/${name}`. */
export const apiPath = (strings: TemplateStringsArray, ...values: (string | number)[]): string =>
  strings.reduce((text, part, i) => text + part + (i < values.length ? e(String(values[i])) : ''), '')
