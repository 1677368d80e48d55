// What stands in words about a table of the log lake.
import type { LogsTable } from '../../api/types'
import { count } from '../../format'

/** The API's bounds. */
export const DAYS_MOST = 36_500

/** "90 days", "for ever". */
export const kept = (table: LogsTable): string =>
  table.retention_days === null ? 'for ever' : count(table.retention_days, 'day')

/** Days that were typed; null is for ever, undefined no number of days. */
export const daysOf = (text: string): number | null | undefined => {
  const bare = text.trim()
  if (bare === '') return null
  const days = /^\d{1,5}$/.test(bare) ? Number(bare) : NaN
  return days >= 1 && days <= DAYS_MOST ? days : undefined
}

/** The question how many rows a condition holds for. */
export const counting = (table: string, condition: string): string =>
  `${bracketed(table)}\n| where ${condition}\n| count`

/** A table's name in KQL, whatever stands in it. */
const bracketed = (name: string): string =>
  /^[A-Za-z_]\w*$/.test(name) ? name : `["${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"]`
