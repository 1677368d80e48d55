// Who gets into the portal and what they may do there.
import type { components } from '../../api/schema'
import type { Assignment } from '../../api/types'

type Schemas = components['schemas']

export type User = Schemas['UserView']
export type Token = Schemas['TokenView']
export type TokenMade = Schemas['TokenMade']
export type Role = Schemas['RoleView']
export type Act = Schemas['ActView']

/** Roles of the portal, weakest last, when the API cannot be asked. */
export const ROLE_NAMES = [
  'owner', 'security-admin', 'security-reader', 'data-steward', 'auditor', 'key-officer', 'reader',
]

export const scopeWords = (scope: string): string => {
  if (scope === '/') return 'everything'
  const [, kind, name] = scope.split('/')
  return kind === 'servers' ? `server ${name}` : kind === 'keyvaults' ? `key vault ${name}` : scope
}

export const assignmentWords = ({ role, scope }: Assignment): string =>
  scope === '/' ? role : `${role} on ${scopeWords(scope)}`

/** The flags of the CLI for some roles. */
export const roleFlags = (assignments: Assignment[]): string =>
  assignments.map(({ role, scope }) => `--role ${role}${scope === '/' ? '' : `@${scope}`}`).join(' ')

export const sameAssignments = (a: Assignment[], b: Assignment[]): boolean => {
  const text = (all: Assignment[]) => all.map(({ role, scope }) => `${role} ${scope}`).sort().join('\n')
  return text(a) === text(b)
}

/** Why some assignments cannot be sent. */
export const assignmentsComplaint = (all: Assignment[]): string | undefined => {
  const seen = new Set(all.map(({ role, scope }) => `${role} ${scope}`))
  return seen.size < all.length ? 'The same role on the same thing stands here twice.' : undefined
}

/** What an operation is called: `keyvault_create` as `keyvault create`. */
export const operationWords = (id: string): string => id.replaceAll('_', ' ')

/** The subject of an operation, for grouping. */
export const subjectOf = (id: string): string => {
  const found = /^(server|parameter|networking|encryption|storage|certificate|keyvault|deleted_key|key|role_assignment|rotation_policy|identity|vault|user|role|token|login_link|session|sign_in|oidc|activity|job)/.exec(id)
  const word = found?.[1] ?? 'other'
  const groups: Record<string, string> = {
    server: 'Servers', parameter: 'Servers', networking: 'Servers', encryption: 'Servers', storage: 'Servers',
    certificate: 'Servers', keyvault: 'Key vaults', key: 'Key vaults', deleted_key: 'Key vaults',
    role_assignment: 'Key vaults', rotation_policy: 'Key vaults', vault: 'Key vaults', identity: 'Identities', user: 'Who gets in', role: 'Who gets in',
    token: 'Who gets in', login_link: 'Who gets in', sign_in: 'Who gets in', activity: 'Who gets in',
    session: 'Signing in', oidc: 'Signing in', job: 'Everything else',
  }
  return groups[word] ?? 'Everything else'
}

/** One row for each operation: which of the roles allow it. */
export const matrix = (roles: Role[]): { id: string; subject: string; allowed: Set<string> }[] => {
  const rows = new Map<string, Set<string>>()
  for (const role of roles) {
    for (const id of role.operations) {
      const allowed = rows.get(id) ?? new Set<string>()
      rows.set(id, allowed.add(role.name))
    }
  }
  return [...rows]
    .map(([id, allowed]) => ({ id, subject: subjectOf(id), allowed }))
    .sort((a, b) => a.subject.localeCompare(b.subject) || a.id.localeCompare(b.id))
}

const USER = /^[a-z][a-z0-9._-]{0,63}$/

export const userNameComplaint = (name: string): string | undefined =>
  USER.test(name) ? undefined : '1 to 64 small letters, digits and . _ -; a letter first.'

/** Shortest password that is worth sending; the API decides. */
export const PASSWORD_MIN = 12

export const passwordComplaint = (password: string, again: string): { password?: string; again?: string } => ({
  ...(password !== '' && [...password].length < PASSWORD_MIN
    ? { password: `At least ${PASSWORD_MIN} characters: several words are easier to remember than one with signs.` }
    : {}),
  ...(again !== '' && again !== password ? { again: 'The two differ.' } : {}),
})
