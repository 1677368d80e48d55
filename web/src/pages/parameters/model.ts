// What the page about parameters knows without a server: which tab a parameter belongs to, what a
// value means in a person's units, and whether what was typed can be accepted at all.
// PostgreSQL decides in the end; nothing is refused here that it would take.

export interface Parameter {
  name: string
  value: string
  unit?: string | null
  data_type: string
  default?: string | null
  min?: string | null
  max?: string | null
  allowed_values: string[]
  dynamic: boolean
  read_only: boolean
  pending_restart: boolean
  source: string
  category: string
  description: string
  /** `immediate`, `new_sessions`, `restart` or `never`, when the server says it. */
  effect?: string
  /** What pgkeep allows of it and why, where it does not allow everything. */
  guard?: string | null
}

export const TABS = ['all', 'modified', 'security', 'restart', 'read-only'] as const
export type Tab = (typeof TABS)[number]

export const TAB_TITLES: Record<Tab, string> = {
  all: 'All',
  modified: 'Modified',
  security: 'Security',
  restart: 'Restart needed',
  'read-only': 'Read-only',
}

/** What a tab holds, for the person who finds it empty. */
export const TAB_HELP: Record<Tab, string> = {
  all: 'Every parameter of this server.',
  modified: 'Parameters whose value is not the one PostgreSQL is built with.',
  security: 'Who may connect and how, what is logged, and what code may be loaded.',
  restart: 'Parameters that PostgreSQL reads only when it starts. Changed ones wait for a restart.',
  'read-only': 'Facts of this build or cluster that nobody can change.',
}

const SECURITY_CATEGORIES = [
  'connections and authentication',
  'reporting and logging / what to log',
  'reporting and logging / where to log',
]
const SECURITY_NAMES = new Set([
  'allow_alter_system',
  'allow_in_place_tablespaces',
  'allow_system_table_mods',
  'check_function_bodies',
  'createrole_self_grant',
  'data_checksums',
  'default_transaction_read_only',
  'dynamic_library_path',
  'fsync',
  'full_page_writes',
  'ignore_checksum_failure',
  'local_preload_libraries',
  'lo_compat_privileges',
  'primary_conninfo',
  'restrict_nonsystem_relation_kind',
  'row_security',
  'search_path',
  'session_preload_libraries',
  'session_replication_role',
  'shared_preload_libraries',
  'wal_level',
  'archive_mode',
])

export function isSecurity(p: Parameter): boolean {
  const category = p.category.toLowerCase()
  return (
    SECURITY_NAMES.has(p.name) ||
    p.name.startsWith('pgaudit.') ||
    SECURITY_CATEGORIES.some((prefix) => category.startsWith(prefix))
  )
}

/** Whether somebody or something chose another value than the built-in one. */
export function isModified(p: Parameter): boolean {
  if (p.read_only || p.source === 'override') return false
  return p.pending_restart || (p.source !== 'default' && p.value !== (p.default ?? ''))
}

export function isIn(tab: Tab, p: Parameter): boolean {
  switch (tab) {
    case 'all':
      return true
    case 'modified':
      return isModified(p)
    case 'security':
      return isSecurity(p)
    case 'restart':
      return !p.read_only && (p.pending_restart || !p.dynamic)
    case 'read-only':
      return p.read_only
  }
}

/** Every word must occur in name, description, category or value. */
export function matches(p: Parameter, search: string): boolean {
  const text = `${p.name} ${p.description} ${p.category} ${p.value}`.toLowerCase()
  return search
    .toLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .every((word) => text.includes(word))
}

export type Effect = 'at-once' | 'reload' | 'new-sessions' | 'restart' | 'never'

export function effectOf(p: Parameter): Effect {
  if (p.read_only) return 'never'
  if (!p.dynamic) return 'restart'
  if (p.effect === 'immediate') return 'at-once'
  return p.effect === 'new_sessions' ? 'new-sessions' : 'reload'
}

export const EFFECTS: Record<Effect, { short: string; long: string }> = {
  'at-once': {
    short: 'At once',
    long: 'Takes effect at once, in every session that has not set its own value.',
  },
  reload: {
    short: 'Reload',
    long: 'PostgreSQL reads its configuration again; nobody is disconnected.',
  },
  'new-sessions': {
    short: 'New connections',
    long: 'Holds for connections made after the change; open ones keep the old value.',
  },
  restart: {
    short: 'Restart',
    long: 'Is stored now and takes effect at the next restart, which disconnects everybody.',
  },
  never: { short: 'Read-only', long: 'Cannot be changed on this server.' },
}

// PostgreSQL's units (src/backend/utils/misc/guc.c), as multiples of a byte and of a microsecond.
const MEMORY: Record<string, number> = {
  B: 1,
  kB: 1024,
  MB: 1024 ** 2,
  GB: 1024 ** 3,
  TB: 1024 ** 4,
}
const TIME: Record<string, number> = {
  us: 1,
  ms: 1e3,
  s: 1e6,
  min: 60e6,
  h: 3600e6,
  d: 86_400e6,
}

interface Unit {
  family: Record<string, number>
  size: number
}

/** Reads a unit such as `8kB`, `ms` or `MB`. */
function unitOf(text: string | null | undefined): Unit | undefined {
  const found = /^(\d*)([A-Za-z]+)$/.exec(text ?? '')
  const word = found?.[2]
  if (!found || !word) return undefined
  const factor = found[1] ? Number(found[1]) : 1
  for (const family of [MEMORY, TIME]) {
    const size = family[word]
    if (size !== undefined) return { family, size: size * factor }
  }
  return undefined
}

/** The value in a person's units: `16384` of `8kB` is `128 MB`. Undefined when it adds nothing. */
export const humanise = (
  value: string,
  unit: string | null | undefined,
  roughly = false,
): string | undefined => {
  const known = unitOf(unit)
  const number = Number(value)
  if (!known || !/^\d+(\.\d+)?$/.test(value) || number === 0) return undefined
  const total = number * known.size
  const fits = (size: number) => total >= size && (roughly || Number.isInteger(total / size))
  const step = Object.entries(known.family).findLast(([, size]) => fits(size))
  if (!step) return undefined
  const amount = (total / step[1]).toLocaleString('en', { maximumFractionDigits: 1 })
  return `${amount} ${step[0]}`
}

/** A value and its unit as one short text for a table. */
export const display = (value: string, unit: string | null | undefined): string => {
  if (value === '') return '(empty)'
  return humanise(value, unit) ?? (unit && /^[1-9]\d*$/.test(value) ? `${value} ${unit}` : value)
}

/** What may be typed, as one line. */
export const allowed = (p: Parameter): string => {
  if (p.data_type === 'bool') return 'on, off'
  if (p.allowed_values.length > 0) return p.allowed_values.map((w) => w || '(empty)').join(', ')
  const bound = (text: string) => {
    const human = humanise(text, p.unit, true)
    return human && human !== `${text} ${p.unit}` ? `${text} (${human})` : text
  }
  if (p.min != null && p.max != null) return `${bound(p.min)} to ${bound(p.max)}`
  return p.data_type === 'string' ? 'any text' : 'any number'
}

const BOOLEANS = ['on', 'off', 'true', 'false', 'yes', 'no', '1', '0']
const VALUE_BYTES = 8192

/** What is wrong with a value; undefined when PostgreSQL may take it. */
export function complaint(p: Parameter, typed: string): string | undefined {
  const value = typed.trim()
  if (/[\0\n\r]/.test(value) || new TextEncoder().encode(value).length > VALUE_BYTES)
    return `A value is one line of at most ${VALUE_BYTES.toLocaleString('en')} bytes.`
  switch (p.data_type) {
    case 'bool':
      return BOOLEANS.includes(value.toLowerCase()) ? undefined : 'Choose on or off.'
    case 'enum':
      return p.allowed_values.some((word) => word.toLowerCase() === value.toLowerCase())
        ? undefined
        : `Choose one of: ${p.allowed_values.join(', ')}.`
    case 'integer':
    case 'real':
      return numberComplaint(p, value)
    default:
      return undefined
  }
}

function numberComplaint(p: Parameter, value: string): string | undefined {
  const found = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-z]*)$/.exec(value)
  // PostgreSQL takes hexadecimal and octal integers, too: it decides.
  if (!found) return /^[+-]?0[xXoObB]?[\da-fA-F]+$/.test(value) ? undefined : 'Enter a number.'
  const own = unitOf(p.unit)
  let number = Number(found[1])
  const word = found[2]
  if (word) {
    const size = own?.family[word]
    if (!own) return 'This parameter has no unit; enter a number alone.'
    if (size === undefined)
      return `Units are ${Object.keys(own.family).join(', ')}; upper and lower case matter.`
    number = (number * size) / own.size
  }
  const low = p.min == null ? -Infinity : Number(p.min)
  const high = p.max == null ? Infinity : Number(p.max)
  if (p.data_type === 'integer') number = Math.round(number)
  return number < low || number > high ? `Must be within ${allowed(p)}.` : undefined
}

/** Whether typing this changes nothing. */
export function isSame(p: Parameter, typed: string): boolean {
  return typed.trim() === p.value
}
