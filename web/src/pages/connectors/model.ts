// How sources of events stand, in words.
import type { Connector } from '../../api/types'
import { bytes } from '../../format'
import type { Tone } from '../../parts/State'
import { type LogsLink } from '../../paths'

export const HEALTH: Record<string, [Tone, string]> = {
  ok: ['good', 'OK'],
  waiting: ['quiet', 'Waiting'],
  stale: ['warn', 'Stale'],
  failing: ['bad', 'Failing'],
}

export const healthOf = (connector: Connector): [Tone, string] => HEALTH[connector.health] ?? ['quiet', connector.health]

/** The worst first. */
const ORDER = ['failing', 'stale', 'waiting', 'ok']
export const healthRank = (connector: Connector): number => {
  const rank = ORDER.indexOf(connector.health)
  return rank < 0 ? ORDER.length : rank
}

/** "12.4 /s", "0.05 /s", "0". */
export const perSecond = (n: number): string =>
  n === 0 ? '0' : n < 0.01 ? '< 0.01 /s' : `${n >= 100 ? Math.round(n).toLocaleString('en') : n >= 10 ? n.toFixed(1) : n.toFixed(2)} /s`

export const bytesPerSecond = (n: number): string => (n === 0 ? '0' : `${bytes(Math.round(n))}/s`)

/** A string of KQL, whatever stands in it. */
export const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`

/** What became no row, of one source. */
export const deadLetters = (source: string): LogsLink => ({
  query: `PgkeepDeadLetters\n| where Source == ${quoted(source)}\n| sort by TimeGenerated desc\n| take 100`,
  timespan: 'P7D',
})
