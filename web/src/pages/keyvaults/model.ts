// Keys in a person's words: kinds, validity, durations, and why a key may be unusable.
import type { components } from '../../api/schema'

type Schemas = components['schemas']

export type KeyVault = Schemas['KeyVault']

/** A key or one version of it; lists leave out what only one version has. */
export type Key = Schemas['Key']

export type DeletedKey = Schemas['DeletedKey']

export type RoleAssignment = Schemas['RoleAssignment']

export type AuditRecord = Schemas['AuditRecord']

export type Vault = Schemas['Vault']

/** `RSA 2048`, `EC P-256`. */
export const keyKind = (key: Pick<Key, 'kty' | 'curve' | 'key_size'>): string =>
  [key.kty, key.curve ?? key.key_size].filter(Boolean).join(' ')

/** The version at the end of a key's address, when it has one. */
export const versionOf = (key: Pick<Key, 'kid' | 'version'>): string =>
  key.version ?? /\/keys\/[^/]+\/([^/]+)$/.exec(key.kid)?.[1] ?? ''

/** The address that follows the newest version. */
export const withoutVersion = (uri: string): string => uri.replace(/(\/keys\/[^/]+)\/[^/]*$/, '$1')

interface UsesKey {
  name: string
  data_encryption?: { key_uri: string; key_version: string } | null
}

/** Servers whose data key is wrapped by exactly this version. */
export const wrappedBy = (servers: UsesKey[], of: Pick<Key, 'kid' | 'version'>): string[] => {
  const address = withoutVersion(of.kid).toLowerCase()
  const version = versionOf(of)
  return servers
    .filter(({ data_encryption: it }) => it && withoutVersion(it.key_uri).toLowerCase() === address && it.key_version === version)
    .map(({ name }) => name)
}

export type KeyState = 'usable' | 'disabled' | 'not-yet' | 'expired' | 'expires-soon'

const SOON_MS = 30 * 86_400_000

/** Whether a version may be used now, and if not, why. */
export const keyState = (
  key: Pick<Key, 'enabled' | 'not_before' | 'expires_at'>,
  now: number,
): KeyState => {
  const expires = key.expires_at ? Date.parse(key.expires_at) : Infinity
  if (!key.enabled) return 'disabled'
  if (key.not_before && Date.parse(key.not_before) > now) return 'not-yet'
  if (expires <= now) return 'expired'
  return expires - now < SOON_MS ? 'expires-soon' : 'usable'
}

export const KEY_STATES: Record<KeyState, { text: string; tone: 'good' | 'warn' | 'bad' }> = {
  usable: { text: 'Enabled', tone: 'good' },
  disabled: { text: 'Disabled', tone: 'bad' },
  'not-yet': { text: 'Not valid yet', tone: 'warn' },
  expired: { text: 'Expired', tone: 'bad' },
  'expires-soon': { text: 'Expires soon', tone: 'warn' },
}

const DURATION = /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?$/

/** Days of an ISO 8601 duration by days, weeks, months (30) or years (365); undefined if none. */
export function durationDays(text: string): number | undefined {
  const found = DURATION.exec(text.trim().toUpperCase())
  if (!found || found.slice(1).every((part) => part === undefined)) return undefined
  const [years = 0, months = 0, weeks = 0, days = 0] = found.slice(1).map((n) => Number(n ?? 0))
  return years * 365 + months * 30 + weeks * 7 + days
}

/** `P90D` as `90 days`, `P1Y6M` as `1 year 6 months`. */
export function durationWords(text: string): string {
  const found = DURATION.exec(text.trim().toUpperCase())
  if (!found) return text
  const units = ['year', 'month', 'week', 'day']
  const words = units.flatMap((unit, index) => {
    const n = Number(found[index + 1] ?? 0)
    return n > 0 ? [`${n} ${unit}${n === 1 ? '' : 's'}`] : []
  })
  return words.join(' ') || text
}

/** What is wrong with a duration of a rotation policy. */
export function durationComplaint(text: string): string | undefined {
  const days = durationDays(text)
  if (days === undefined) return 'Write a duration such as P90D, P18M or P2Y.'
  return days < 7 ? 'At least seven days.' : undefined
}

export type RotationPolicy = Schemas['RotationPolicy']

/** A rotation policy as its four questions; empty text means "not". */
export interface PolicyForm {
  rotate: 'never' | 'after' | 'before'
  rotateTime: string
  notifyBefore: string
  expiresIn: string
}

export const policyForm = (policy: RotationPolicy): PolicyForm => {
  const { rotate_after_create: after, rotate_before_expiry: before } = policy
  return {
    rotate: after ? 'after' : before ? 'before' : 'never',
    rotateTime: after ?? before ?? 'P90D',
    notifyBefore: policy.notify_before_expiry ?? '',
    expiresIn: policy.expires_after ?? '',
  }
}

export const policyBody = (form: PolicyForm): RotationPolicy => {
  const time = (text: string) => text.trim().toUpperCase() || null
  return {
    rotate_after_create: form.rotate === 'after' ? time(form.rotateTime) : null,
    rotate_before_expiry: form.rotate === 'before' ? time(form.rotateTime) : null,
    notify_before_expiry: time(form.notifyBefore),
    expires_after: time(form.expiresIn),
  }
}

export function policyComplaints(form: PolicyForm): Partial<Record<keyof PolicyForm, string>> {
  const all: Partial<Record<keyof PolicyForm, string>> = {}
  const put = (field: keyof PolicyForm, text: string | undefined) => {
    if (text) all[field] = text
  }
  if (form.rotate !== 'never') put('rotateTime', durationComplaint(form.rotateTime))
  if (form.notifyBefore.trim()) put('notifyBefore', durationComplaint(form.notifyBefore))
  if (form.expiresIn.trim()) put('expiresIn', durationComplaint(form.expiresIn))
  if (form.rotate === 'before' && !form.expiresIn.trim())
    put('expiresIn', 'Rotating before expiry needs to know how long a version is valid.')
  return all
}

/** The flags of `pgkeep keyvault key rotation-policy set`. */
export function policyFlags(form: PolicyForm): string {
  const flags: string[] = []
  if (form.rotate !== 'never') flags.push(`--rotate-${form.rotate} ${form.rotateTime.trim()}`)
  if (form.notifyBefore.trim()) flags.push(`--notify-before ${form.notifyBefore.trim()}`)
  if (form.expiresIn.trim()) flags.push(`--expires-in ${form.expiresIn.trim()}`)
  return flags.join(' ')
}

/** What a policy does, as one sentence. */
export function policySentence(form: PolicyForm): string {
  const time = durationWords(form.rotateTime)
  const rotate = {
    never: 'Is not rotated by itself.',
    after: `Rotates ${time} after a version was made.`,
    before: `Rotates ${time} before a version expires.`,
  }[form.rotate]
  const expires = form.expiresIn
    ? ` A version made by rotation is valid for ${durationWords(form.expiresIn)}.`
    : ''
  return rotate + expires
}

const VAULT_NAME = /^[A-Za-z](?:[A-Za-z0-9]|-(?!-)){1,22}[A-Za-z0-9]$/
const KEY_NAME = /^[A-Za-z0-9-]{1,127}$/

export function vaultNameComplaint(name: string): string | undefined {
  return VAULT_NAME.test(name)
    ? undefined
    : '3 to 24 letters, digits and single hyphens; a letter first, no hyphen last.'
}

export function keyNameComplaint(name: string): string | undefined {
  return KEY_NAME.test(name) ? undefined : '1 to 127 letters, digits and hyphens.'
}

/** Azure's roles on keys, as the vault knows them, with what each may do. */
export const KEY_ROLES = [
  {
    name: 'Key Vault Crypto Service Encryption User',
    text: 'Reads the public key, wraps and unwraps. All that a server needs for its data key.',
  },
  {
    name: 'Key Vault Crypto User',
    text: 'Uses keys: encrypt, decrypt, wrap, unwrap, sign, verify; also updates and backs up.',
  },
  { name: 'Key Vault Reader', text: 'Sees keys and rotation policies, uses none.' },
  {
    name: 'Key Vault Crypto Officer',
    text: 'Everything with keys, including making, deleting and purging them.',
  },
  { name: 'Key Vault Administrator', text: 'Everything with keys.' },
] as const

/** How a set of shares stands: `2 of 3 entered`. */
export function sharesText(shares: { given: number; needed: number } | null | undefined): string {
  return shares ? `${shares.given} of ${shares.needed} entered` : ''
}

/** The kinds of seals, in a person's words, weakest first. */
export const SEALS: Record<string, { title: string; text: string; weakest?: true }> = {
  file: {
    title: 'Key file',
    text: 'The key that opens the vault lies in a file beside the data. The vault opens by itself after every start. Whoever copies the whole disk has both.',
    weakest: true,
  },
  passphrase: {
    title: 'Passphrase',
    text: 'A passphrase opens the vault. After a start it stays sealed until somebody enters it.',
  },
  shares: {
    title: 'Shares (Shamir)',
    text: 'Several people hold a share each; some of them must come together after every start.',
  },
  credential: {
    title: 'systemd credential',
    text: 'systemd hands the key to the vault at start, encrypted for this machine or its TPM.',
  },
  pkcs11: {
    title: 'PKCS#11 token',
    text: 'A key that never leaves a token (an HSM, a smart card, a TPM) opens the vault. It opens by itself while the token is there; a copy of the disk opens nothing.',
  },
}
