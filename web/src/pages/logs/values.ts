// Values of an answer: how they read in a cell, how they sort, how they leave as a file.
import { csv } from '../../format'
import type { LogsColumn } from '../../api/types'

export type Row = readonly unknown[]

const NUMBERS = new Set(['int', 'long', 'real', 'double', 'decimal'])

export const isNumber = (column: LogsColumn): boolean => NUMBERS.has(column.type)
export const isTime = (column: LogsColumn): boolean => column.type === 'datetime' || column.type === 'date'

/** A value as text on one line: what is seen, searched in and copied. Null is nothing. */
export const textOf = (value: unknown): string => {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string') return value
  if (typeof value === 'object') return JSON.stringify(value)
  return String(value)
}

/** "2026-11-27T07:12:09.5Z" → "2026-11-27 07:12:09.500": UTC, as the query sees it. */
export const timeText = (value: string): string => {
  const found = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d+))?Z$/.exec(value)
  return found ? `${found[1]} ${found[2]}.${(found[3] ?? '').slice(0, 3).padEnd(3, '0')}` : value
}

/** What a cell of the grid says. */
export const cellText = (column: LogsColumn, value: unknown): string =>
  isTime(column) && typeof value === 'string' ? timeText(value) : textOf(value)

/** Milliseconds of `[-][d.]hh:mm:ss[.fffffff]`. */
export const spanMs = (text: string): number | undefined => {
  const found = /^(-)?(?:(\d+)\.)?(\d\d):(\d\d):(\d\d(?:\.\d+)?)$/.exec(text)
  if (!found) return undefined
  const [, minus, days = '0', hours, minutes, seconds] = found
  const ms = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60_000 + Number(seconds) * 1000
  return minus ? -ms : ms
}

/** A number where the value is one: integers beyond 2^53 and decimals may come as text. */
export const numberOf = (column: LogsColumn, value: unknown): number | undefined => {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value !== 'string' || value === '') return undefined
  if (column.type === 'timespan') return spanMs(value)
  if (isTime(column)) {
    const ms = Date.parse(value)
    return Number.isNaN(ms) ? undefined : ms
  }
  if (!isNumber(column)) return undefined
  const n = Number(value)
  return Number.isFinite(n) ? n : undefined
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'variant' })

/** Compares values of a column; what is null comes last, whichever way is sorted. */
export const comparer = (column: LogsColumn, at: number, descending: boolean) => {
  const sign = descending ? -1 : 1
  const byNumber = isNumber(column) || column.type === 'timespan' || column.type === 'bool'
  const compare = (a: unknown, b: unknown): number => {
    if (byNumber) {
      const [x, y] = [numberOf(column, a), numberOf(column, b)]
      if (x !== undefined && y !== undefined) return x - y
    }
    const [x, y] = [textOf(a), textOf(b)]
    // Times in RFC 3339 and UTC sort as text.
    return isTime(column) ? (x < y ? -1 : x > y ? 1 : 0) : collator.compare(x, y)
  }
  return (a: Row, b: Row): number => {
    const [x, y] = [a[at] ?? null, b[at] ?? null]
    if (x === null || y === null) return x === y ? 0 : x === null ? 1 : -1
    return sign * compare(x, y)
  }
}

/** The rows as CSV: RFC 4180, and nothing in it that a spreadsheet takes for a formula. */
export const toCsv = (columns: readonly LogsColumn[], rows: readonly Row[]): string =>
  csv([columns.map((c) => c.name), ...rows.map((row) => columns.map((_, i) => textOf(row[i])))])

/** The rows as an array of objects. A name that comes twice keeps both values. */
export const toJson = (columns: readonly LogsColumn[], rows: readonly Row[]): string => {
  const seen = new Map<string, number>()
  const names = columns.map(({ name }) => {
    const n = (seen.get(name) ?? 0) + 1
    seen.set(name, n)
    return n === 1 ? name : `${name}_${n}`
  })
  const lines = rows.map((row) => JSON.stringify(Object.fromEntries(names.map((name, i) => [name, row[i] ?? null]))))
  return `[\n${lines.join(',\n')}\n]\n`
}
