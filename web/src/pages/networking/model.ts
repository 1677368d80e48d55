// What the page about networking knows without a server: rules of pg_hba.conf as a person types
// them, and what is wrong with one before it is sent.
import type { components } from '../../api/schema'

type Schemas = components['schemas']

export type RuleType = 'local' | 'host' | 'hostssl' | 'hostnossl' | 'hostgssenc' | 'hostnogssenc'

/** One line of pg_hba.conf. */
export interface Rule {
  type: RuleType
  database: string
  role: string
  address?: string | null
  method: string
  options?: string | null
  managed?: boolean
  /** Where it stands, when the server says it. */
  file?: string | null
  line?: number | null
}

export interface Networking {
  require_secure_transport: boolean
  min_protocol_version: string
  max_protocol_version?: string | null
  listen_addresses: string[]
  port: number
  client_certificates?: { ca_pem: string; rules: { database: string; role: string }[] } | null
  rules: Rule[]
  effective_rules: Rule[]
}

export type NetworkingUpdate = Schemas['NetworkingUpdate']

export type NetworkingPreview = Schemas['NetworkingPreview']

/** What a person may write; the others of PostgreSQL are shown as they are. */
export const RULE_TYPES: { id: RuleType; title: string }[] = [
  { id: 'hostssl', title: 'TCP with TLS' },
  { id: 'host', title: 'TCP, with TLS or without' },
  { id: 'hostnossl', title: 'TCP without TLS' },
]

export const METHODS: { id: string; title: string }[] = [
  { id: 'scram-sha-256', title: 'Password (SCRAM)' },
  { id: 'cert', title: 'Client certificate' },
  { id: 'reject', title: 'Refuse' },
]

export const typeTitle = (type: string): string =>
  RULE_TYPES.find(({ id }) => id === type)?.title ?? type

/** One rule as a sentence that needs no manual. */
export const ruleSentence = (rule: Rule): string => {
  const who = rule.role === 'all' ? 'every role' : rule.role
  const where = rule.database === 'all' ? 'every database' : rule.database
  const from =
    rule.type === 'local'
      ? 'on this machine'
      : rule.address === 'all' || !rule.address
        ? 'from anywhere'
        : `from ${rule.address}`
  const how = { hostssl: ' over TLS', hostnossl: ' without TLS' }[rule.type as string] ?? ''
  if (rule.method === 'reject') return `Refuses ${who} to ${where} ${from}${how}.`
  const by =
    {
      'scram-sha-256': 'a password (SCRAM)',
      cert: 'a client certificate',
      peer: 'the OS user of the process',
      trust: 'nothing at all',
    }[rule.method] ?? rule.method
  const also = rule.options?.includes('clientcert=verify-full') ? ' and a client certificate' : ''
  return `Lets ${who} to ${where} ${from}${how} with ${by}${also}.`
}

/** The rule as it stands in the file. */
export const ruleLine = (rule: Rule): string =>
  [rule.type, rule.database, rule.role, rule.address, rule.method, rule.options]
    .filter(Boolean)
    .join(' ')

const v4 = (text: string): bigint | undefined => {
  const parts = text.split('.')
  const good = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && +part < 256)
  return good ? parts.reduce((bits, part) => (bits << 8n) | BigInt(part), 0n) : undefined
}

/** RFC 4291 §2.2: eight groups, one run of them shortened to `::`, the last two perhaps dotted. */
const v6 = (text: string): bigint | undefined => {
  const halves = text.split('::')
  if (!/^[0-9A-Fa-f:.]+$/.test(text) || halves.length > 2) return undefined
  const groups = (half: string): string[] =>
    half === '' ? [] : half.split(':').flatMap((word, at, all) => {
      const dotted = at === all.length - 1 && word.includes('.') ? v4(word) : undefined
      return dotted === undefined ? [word] : [(dotted >> 16n).toString(16), (dotted & 0xffffn).toString(16)]
    })
  const [head = [], tail = []] = halves.map(groups)
  const n = head.length + tail.length
  if (halves.length === 2 ? n > 7 : n !== 8) return undefined
  const words = [...head, ...Array<string>(8 - n).fill('0'), ...tail]
  if (!words.every((word) => /^[0-9A-Fa-f]{1,4}$/.test(word))) return undefined
  return words.reduce((bits, word) => (bits << 16n) | BigInt(`0x${word}`), 0n)
}

const WORDS = ['all', 'samehost']
const HOST = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/

/** What is wrong with an address of a rule; undefined when nothing is. */
export const addressComplaint = (typed: string): string | undefined => {
  const text = typed.trim()
  if (WORDS.includes(text)) return undefined
  const [address = '', prefix, ...rest] = text.split('/')
  const bits = v4(address) ?? v6(address)
  if (bits === undefined) return 'Enter a block (192.0.2.0/24, 2001:db8::/32), one address, samehost or all.'
  const width = v4(address) === undefined ? 128 : 32
  if (rest.length > 0 || (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && +prefix <= width)))
    return `The prefix is a number from 0 to ${width}.`
  const free = BigInt(width - Number(prefix ?? width))
  return (bits >> free) << free === bits
    ? undefined
    : `The address has bits after its prefix /${prefix}: end it with zeros, or leave the prefix out.`
}

/** One way to write an address: a single one with its prefix; words stay as they are. */
export const asBlock = (typed: string): string => {
  const text = typed.trim()
  if (v4(text) !== undefined) return `${text}/32`
  return v6(text) === undefined ? text : `${text}/128`
}

/** A listen address: an address, a host name, `*` or `localhost`. */
export const listenComplaint = (typed: string): string | undefined => {
  const text = typed.trim()
  const good =
    text === '*' || v4(text) !== undefined || v6(text) !== undefined || (HOST.test(text) && /[A-Za-z]/.test(text))
  return good ? undefined : 'Enter an address of this machine, localhost, or * for all.'
}

/** Whether a rule lets in whoever can reach the port. */
export const isEverybody = (rule: Rule): boolean =>
  rule.type !== 'local' &&
  rule.method !== 'reject' &&
  (rule.address === 'all' || /\/0$/.test(rule.address ?? ''))

const listed = (text: string, what: string): string | undefined => {
  if (!text.trim()) return `Name a ${what}, or all.`
  return /[\n\r\0]/.test(text) || text.startsWith('/') ? 'A name, or all.' : undefined
}

/** Complaints of all rules, as `INDEX.FIELD`; empty when they can be sent. */
export const complaints = (rules: Rule[]): Map<string, string> => {
  const all = new Map<string, string>()
  const seen = new Set<string>()
  rules.forEach((rule, index) => {
    const line = ruleLine(sent(rule))
    if (seen.has(line)) all.set(`${index}.address`, 'The same rule stands above.')
    seen.add(line)
    const put = (field: string, text: string | undefined) => {
      if (text) all.set(`${index}.${field}`, text)
    }
    if (rule.type !== 'local') put('address', addressComplaint(rule.address ?? ''))
    put('database', listed(rule.database, 'database'))
    put('role', listed(rule.role, 'role'))
    if (rule.method === 'cert' && rule.type !== 'hostssl')
      put('method', 'Client certificates need TCP with TLS.')
  })
  return all
}

/** A rule ready to be sent. */
export const sent = (rule: Rule): Rule => ({
  type: rule.type,
  database: rule.database.trim(),
  role: rule.role.trim(),
  address: rule.type === 'local' ? null : asBlock(rule.address ?? ''),
  method: rule.method,
  options: rule.options?.trim() || null,
})

export const newRule = (address: string): Rule => ({
  type: 'hostssl',
  database: 'all',
  role: 'all',
  address,
  method: 'scram-sha-256',
})

/** Moves a rule one place; PostgreSQL takes the first that fits. */
export const moved = <T>(rules: T[], index: number, by: -1 | 1): T[] => {
  const to = index + by
  if (to < 0 || to >= rules.length) return rules
  const next = [...rules]
  const [rule] = next.splice(index, 1)
  if (rule !== undefined) next.splice(to, 0, rule)
  return next
}

/** What differs between the page and the server; undefined when nothing does. */
export const difference = (now: Networking, wanted: Networking): NetworkingUpdate | undefined => {
  const update: NetworkingUpdate = {}
  if (now.require_secure_transport !== wanted.require_secure_transport)
    update.require_secure_transport = wanted.require_secure_transport
  if (now.min_protocol_version !== wanted.min_protocol_version)
    update.min_protocol_version = wanted.min_protocol_version
  const listen = wanted.listen_addresses.map((text) => text.trim())
  if (now.listen_addresses.join() !== listen.join()) update.listen_addresses = listen
  const rules = wanted.rules.map(sent)
  if (now.rules.map(sent).map(ruleLine).join('\n') !== rules.map(ruleLine).join('\n')) update.rules = rules
  return Object.keys(update).length > 0 ? update : undefined
}
