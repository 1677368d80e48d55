// How people sign in, as the form holds it.

export interface GroupRole {
  group: string
  role: string
  scope: string
}

export interface OidcSettings {
  label: string
  issuer: string
  client_id: string
  /** Write-only: never in an answer. */
  client_secret?: string | null
  /** Whether one is stored. */
  has_client_secret?: boolean
  groups_claim: string
  scopes: string[]
  groups: GroupRole[]
  ca_pem?: string | null
}

export interface SignInSettings {
  session_idle_minutes: number
  session_minutes: number
  lock_after: number
  lock_max_seconds: number
  oidc?: OidcSettings | null
}

export const newProvider = (): OidcSettings => ({
  label: 'Single sign-on',
  issuer: '',
  client_id: '',
  groups_claim: 'groups',
  scopes: ['profile', 'email'],
  groups: [],
})

const between = (n: number, low: number, high: number): string | undefined =>
  Number.isInteger(n) && n >= low && n <= high
    ? undefined
    : `A whole number from ${low.toLocaleString('en')} to ${high.toLocaleString('en')}.`

/** https, or http on this machine, as the API wants it. */
export const issuerComplaint = (issuer: string): string | undefined => {
  let url: URL
  try {
    url = new URL(issuer)
  } catch {
    return 'An address such as https://id.example.org/realms/main.'
  }
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && local)) return 'It must begin with https://.'
  return url.search || url.hash || url.username ? 'The address alone, without ?, # or a name.' : undefined
}

/** Complaints by field; empty when it can be sent. */
export const signInComplaints = (s: SignInSettings): Record<string, string> => {
  const all: Record<string, string> = {}
  const put = (field: string, text: string | undefined) => {
    if (text) all[field] = text
  }
  put('session_idle_minutes', between(s.session_idle_minutes, 1, 1440))
  put('session_minutes', between(s.session_minutes, 5, 43_200))
  put('lock_after', between(s.lock_after, 3, 20))
  put('lock_max_seconds', between(s.lock_max_seconds, 15, 86_400))
  if (s.oidc) {
    put('issuer', issuerComplaint(s.oidc.issuer.trim()))
    put('label', s.oidc.label.trim() ? undefined : 'What the button says.')
    put('client_id', s.oidc.client_id.trim() ? undefined : 'The name under which pgkeep is registered there.')
    put('groups_claim', s.oidc.groups_claim.trim() ? undefined : 'Often “groups” or “roles”.')
    put('groups', s.oidc.groups.every(({ group }) => group.trim()) ? undefined : 'Name every group, or remove its line.')
  }
  return all
}

/** The body of a request: a secret that was not typed is left out, so the stored one stays. */
export const signInBody = (s: SignInSettings): SignInSettings => {
  const { session_idle_minutes, session_minutes, lock_after, lock_max_seconds, oidc } = s
  const times = { session_idle_minutes, session_minutes, lock_after, lock_max_seconds }
  if (!oidc) return { ...times, oidc: null }
  const { client_secret: secret, has_client_secret: _, ...rest } = oidc
  return {
    ...times,
    oidc: {
      ...rest,
      label: rest.label.trim(),
      issuer: rest.issuer.trim(),
      client_id: rest.client_id.trim(),
      groups_claim: rest.groups_claim.trim(),
      scopes: rest.scopes.filter(Boolean),
      groups: rest.groups.map((one) => ({ ...one, group: one.group.trim() })),
      ...(secret ? { client_secret: secret } : {}),
    },
  }
}
