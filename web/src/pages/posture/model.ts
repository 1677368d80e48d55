// What the pages about posture know of verdicts, and how a graph of roles is laid out.
import type { PostureBrief, PostureItem, RolePath } from '../../api/types'
import type { Tone } from '../../parts/State'

export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info'] as const
export const VERDICTS = ['fail', 'waived', 'cannot-tell', 'pass', 'provider', 'not-applicable'] as const
export const PROFILES = ['', 'azure-mcsb', 'cis', 'stig', 'paranoid', 'all'] as const

export const PROFILE_TITLES: Record<(typeof PROFILES)[number], string> = {
  '': 'pgkeep’s own values', 'azure-mcsb': 'Azure (MCSB)', cis: 'CIS', stig: 'STIG', paranoid: 'Paranoid', all: 'The strictest of all',
}

/** A verdict as a page shows it: a failure that somebody answers for is a kind of its own. */
export type Shown = (typeof VERDICTS)[number]

const WORDS: Record<Shown, [Tone, string]> = {
  fail: ['bad', 'Fails'],
  waived: ['warn', 'Fails, waived'],
  'cannot-tell': ['quiet', 'Cannot tell'],
  pass: ['good', 'Passes'],
  provider: ['quiet', 'The provider’s'],
  'not-applicable': ['quiet', 'Not applicable'],
}

export const wordOf = (shown: string): [Tone, string] => WORDS[shown as Shown] ?? ['quiet', shown]

export const shownOf = (item: Pick<PostureItem, 'verdict' | 'waived'>): string =>
  item.verdict === 'fail' && item.waived?.all ? 'waived' : item.verdict

/** The last day of the waivers that hold. */
export const waivedUntil = (item: Pick<PostureItem, 'waived'>): string | undefined =>
  item.waived?.waivers.map((one) => one.until).sort().at(-1)

export const rankOf = (severity: string): number => {
  const at = (SEVERITIES as readonly string[]).indexOf(severity)
  return at < 0 ? SEVERITIES.length : at
}

const NAMES: Record<string, string> = { hba: 'pg_hba.conf', pgaudit: 'pgAudit', tls: 'TLS' }

/** "at-rest" → "At rest". */
export const topicTitle = (topic: string): string => {
  if (NAMES[topic]) return NAMES[topic]
  const words = topic.replaceAll('-', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

export interface Filter {
  verdict: string
  severity: string
  topic: string
}

export const isWanted = (item: PostureItem, { verdict, severity, topic }: Filter): boolean =>
  (verdict === 'all' || shownOf(item) === verdict)
  && (severity === 'all' || item.severity === severity)
  && (topic === 'all' || item.topic === topic)

export interface Topic {
  topic: string
  fail: number
  waived: number
  unknown: number
  pass: number
}

/** How each topic stands, those with failures first. */
export const topicsOf = (items: PostureItem[]): Topic[] => {
  const all = new Map<string, Topic>()
  for (const item of items) {
    const one = all.get(item.topic) ?? { topic: item.topic, fail: 0, waived: 0, unknown: 0, pass: 0 }
    const shown = shownOf(item)
    if (shown === 'fail') one.fail += 1
    if (shown === 'waived') one.waived += 1
    if (shown === 'cannot-tell') one.unknown += 1
    if (shown === 'pass') one.pass += 1
    all.set(item.topic, one)
  }
  return [...all.values()].sort((a, b) => b.fail - a.fail || a.topic.localeCompare(b.topic))
}

/** "87.5", or a dash where nothing was answered. */
export const scoreText = (score: number | null | undefined): string => (score === null || score === undefined ? '–' : score.toFixed(1))

/** Assessments of all checks by one profile, oldest first. */
export const trendOf = (all: PostureBrief[], profile: string): PostureBrief[] =>
  all.filter((one) => one.checks.length === 0 && (one.profile ?? '') === profile && one.score !== null).reverse()

/** Points of a line for a box of this size; scores are 0 to 100. */
export const linePoints = (scores: number[], width: number, height: number, margin: number): [number, number][] => {
  const inner = { width: width - 2 * margin, height: height - 2 * margin }
  const step = scores.length > 1 ? inner.width / (scores.length - 1) : 0
  return scores.map((score, i) => [
    Math.round((margin + (scores.length > 1 ? i * step : inner.width / 2)) * 10) / 10,
    Math.round((margin + inner.height * (1 - Math.min(Math.max(score, 0), 100) / 100)) * 10) / 10,
  ])
}

export const TARGETS = ['superuser', 'operating system']

export interface Node {
  name: string
  column: number
  row: number
  target: boolean
}

export interface Drawn {
  nodes: Node[]
  edges: { source: string; target: string; why: string; strong: boolean }[]
  columns: number
  rows: number
}

/**
 * The roles on these paths in columns: the targets at the right, each role as far left as its
 * longest way has steps. Roles that stand on a circle are as far as they are first met.
 */
export const layout = (paths: RolePath[]): Drawn => {
  const edges = new Map<string, Drawn['edges'][number]>()
  const distance = new Map<string, number>()
  for (const path of paths) {
    path.steps.forEach((step, i) => {
      const key = `${step.source}\u0000${step.target}`
      const strong = path.strong || (edges.get(key)?.strong ?? false)
      edges.set(key, { source: step.source, target: step.target, why: step.why, strong })
      const left = path.steps.length - i
      distance.set(step.source, Math.max(distance.get(step.source) ?? 0, left))
    })
    distance.set(path.target, 0)
  }
  const columns = Math.max(0, ...distance.values()) + 1
  const taken = new Map<number, number>()
  const nodes = [...distance.entries()]
    .sort(([a, left], [b, right]) => left - right || a.localeCompare(b))
    .map(([name, left]) => {
      const column = columns - 1 - left
      const row = taken.get(column) ?? 0
      taken.set(column, row + 1)
      return { name, column, row, target: left === 0 && TARGETS.includes(name) }
    })
  return { nodes, edges: [...edges.values()], columns, rows: Math.max(1, ...taken.values()) }
}

/** What a waiver may not lack. */
export const waiverComplaint = (wish: { reason: string; owner: string; until: string }, today: string): string | undefined => {
  if (!wish.reason.trim()) return 'Say why the failure is accepted'
  if (!wish.owner.trim()) return 'Say who answers for it'
  if (!/^\d{4}-\d{2}-\d{2}$/.test(wish.until)) return 'Choose its last day'
  if (wish.until < today) return 'Its last day is over'
  return undefined
}
