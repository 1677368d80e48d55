// Managed identities: who may be one, as it is typed and as it reads.
import type { components } from '../../api/schema'

type Schemas = components['schemas']

export type Identity = Schemas['Identity']

/** How it is said which processes are the identity. */
export interface Rules {
  kind: 'servers' | 'processes' | 'none'
  uids: string
  units: string
}

const words = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean)

export const rulesOf = (identity: Pick<Identity, 'uids' | 'units'>): Rules => ({
  kind: identity.uids.length + identity.units.length > 0 ? 'processes' : 'none',
  uids: identity.uids.join(', '),
  units: identity.units.join(', '),
})

/** Complaints by field; empty when the rules can be sent. */
export const rulesComplaints = (rules: Rules): { uids?: string; units?: string } => {
  if (rules.kind !== 'processes') return {}
  const uids = words(rules.uids)
  const units = words(rules.units)
  const badUid = uids.find((text) => !/^\d{1,10}$/.test(text) || Number(text) > 0xffff_fffe)
  const badUnit = units.find((text) => !/^[A-Za-z0-9:_.@\\-]{1,255}$/.test(text))
  return {
    ...(badUid !== undefined ? { uids: `“${badUid}” is no number of an OS user.` } : {}),
    ...(badUnit !== undefined ? { units: `“${badUnit}” is no name of a systemd unit.` } : {}),
    ...(uids.length + units.length === 0 ? { uids: 'Name an OS user or a unit, or choose another answer above.' } : {}),
  }
}

/** The fields of a request. */
export const rulesBody = (rules: Rules) => {
  if (rules.kind === 'servers') return { servers: true }
  if (rules.kind === 'none') return { no_process: true }
  return { uids: words(rules.uids).map(Number), units: words(rules.units) }
}

/** The flags of `pgkeep identity create` and `update`. */
export const rulesFlags = (rules: Rules): string => {
  if (rules.kind === 'servers') return '--servers'
  if (rules.kind === 'none') return '--no-process'
  return [
    ...words(rules.uids).map((uid) => `--uid ${uid}`),
    ...words(rules.units).map((unit) => `--unit ${unit}`),
  ].join(' ')
}

/** Who is the identity, as a sentence. */
export const rulesSentence = ({ uids, units }: Pick<Identity, 'uids' | 'units'>): string => {
  const users = uids.length > 0 ? `OS user ${uids.join(' or ')}` : ''
  const unit = units.length > 0 ? `unit ${units.join(' or ')}` : ''
  if (users && unit) return `Processes of ${users}, in ${unit}`
  if (users || unit) return `Processes of ${users || unit}`
  return 'No process: only who knows the secret'
}

export const nameComplaint = (name: string): string | undefined =>
  /^[A-Za-z0-9][A-Za-z0-9_-]{2,127}$/.test(name)
    ? undefined
    : '3 to 128 letters, digits, - and _; a letter or digit first.'
