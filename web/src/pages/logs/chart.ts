// What `render` makes of a result: kind of chart, axis and series. Drawing is ChartView's.
import type { LogsColumn } from '../../api/types'
import { type Row, cellText, isNumber, isTime, numberOf, textOf } from './values'

export const KINDS = {
  timechart: 'Time chart', linechart: 'Line chart', areachart: 'Area chart', columnchart: 'Column chart',
  barchart: 'Bar chart', piechart: 'Pie chart', scatterchart: 'Scatter chart', card: 'Card',
} as const
export type Kind = keyof typeof KINDS

/** Of `render`, whatever the plane calls its parts. */
export interface Render {
  kind: string
  properties: Record<string, string>
}

export interface Series {
  name: string
  points: [x: number | string, y: number][]
}

export interface Chart {
  kind: Kind
  title: string
  stacked: boolean
  legend: boolean
  log: boolean
  x: { type: 'time' | 'value' | 'category'; name: string; labels: string[] }
  y: { name: string }
  series: Series[]
  /** What is not drawn, in words. */
  missing: string[]
}

const SERIES_MOST = 60
const CATEGORIES_MOST = 400
const SLICES_MOST = 24

const plain = (value: unknown): string => {
  if (typeof value !== 'object' || value === null) return textOf(value)
  if (Array.isArray(value)) return value.map(plain).join(',')
  // A value with its type: {"String": "x"}.
  const inner = Object.values(value)
  return inner.length === 1 ? plain(inner[0]) : JSON.stringify(value)
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const readRender = (render: unknown): Render | undefined => {
  if (!isObject(render)) return undefined
  const kind = render.kind ?? render.visualisation ?? render.visualization
  if (typeof kind !== 'string') return undefined
  const said = render.properties ?? render.options ?? render
  const pairs = Array.isArray(said) ? (said as [string, unknown][]) : isObject(said) ? Object.entries(said) : []
  return {
    kind: kind.toLowerCase(),
    properties: Object.fromEntries(pairs.map(([name, value]) => [String(name).toLowerCase(), plain(value)])),
  }
}

const ALIASES = new Map<string, Kind>([['stackedareachart', 'areachart'], ['anomalychart', 'timechart']])

/** The kind that is drawn; none for a table, or a kind that we do not draw. */
export const kindOf = (render: Render | undefined): Kind | undefined =>
  render && (Object.hasOwn(KINDS, render.kind) ? (render.kind as Kind) : ALIASES.get(render.kind))

const named = (columns: readonly LogsColumn[], name: string | undefined): number =>
  name ? columns.findIndex((c) => c.name === name.trim()) : -1

/** Columns by their part: what x is, whose values make series, what is drawn. */
const partsOf = (kind: Kind, columns: readonly LogsColumn[], said: Record<string, string>) => {
  const indices = columns.map((_, i) => i)
  const isDrawn = (i: number) => columns[i] !== undefined && (isNumber(columns[i]) || columns[i].type === 'timespan')
  let x = named(columns, said.xcolumn)
  if (x < 0 && kind === 'timechart') x = columns.findIndex(isTime)
  if (x < 0) x = kind === 'scatterchart' || kind === 'linechart' || kind === 'areachart'
    ? Math.max(0, columns.findIndex((c) => isTime(c) || isNumber(c)))
    : Math.max(0, columns.findIndex((c) => !isNumber(c)))
  const wantedY = (said.ycolumns ?? '').split(',').map((name) => named(columns, name)).filter((i) => i >= 0)
  const drawn = wantedY.length ? wantedY : indices.filter((i) => i !== x && isDrawn(i))
  // A pie has one number for each slice.
  const y = kind === 'piechart' ? drawn.slice(0, 1) : drawn
  const wantedBy = (said.series ?? '').split(',').map((name) => named(columns, name)).filter((i) => i >= 0)
  const by = wantedBy.length
    ? wantedBy
    : kind === 'piechart' ? [] : indices.filter((i) => i !== x && !y.includes(i) && ['string', 'guid', 'bool'].includes(columns[i]?.type ?? ''))
  return { x, y, by }
}

/** The chart of a result, or why there is none. */
export const chartOf = (kind: Kind, columns: readonly LogsColumn[], rows: readonly Row[], render?: Render): Chart | string => {
  const said = render?.properties ?? {}
  if (!rows.length) return 'There is no row to draw.'
  const { x, y, by } = partsOf(kind, columns, said)
  if (kind === 'timechart' && !(columns[x] && isTime(columns[x]))) return 'A time chart needs a column of type datetime.'
  if (kind !== 'card' && !y.length) return 'There is no column of numbers to draw.'
  const axis = columns[x] as LogsColumn
  const isBar = kind === 'barchart' || kind === 'columnchart' || kind === 'piechart'
  const type = isBar ? 'category' : isTime(axis) ? 'time' : isNumber(axis) ? 'value' : 'category'
  const series = new Map<string, Series>()
  const labels = new Map<string, number>()
  let nLeftOut = 0
  let nOverSeries = 0
  for (const row of rows) {
    const label = type === 'category' ? cellText(axis, row[x]).replace(/\.000$/, '') || '(empty)' : ''
    const position = type === 'category' ? label : numberOf(axis, row[x])
    if (position === undefined) {
      nLeftOut += 1
      continue
    }
    if (type === 'category' && !labels.has(label)) {
      if (labels.size >= (kind === 'piechart' ? SLICES_MOST : CATEGORIES_MOST)) {
        nLeftOut += 1
        continue
      }
      labels.set(label, labels.size)
    }
    const group = by.map((i) => textOf(row[i])).join(', ')
    for (const i of y) {
      const column = columns[i] as LogsColumn
      const n = numberOf(column, row[i])
      if (n === undefined) continue
      const name = [group, y.length > 1 || !by.length ? column.name : ''].filter(Boolean).join(': ') || '(empty)'
      let one = series.get(name)
      if (!one) {
        if (series.size >= SERIES_MOST) {
          nOverSeries += 1
          continue
        }
        one = { name, points: [] }
        series.set(name, one)
      }
      one.points.push([position, n])
    }
  }
  const all = [...series.values()]
  if (type !== 'category') for (const one of all) one.points.sort((a, b) => Number(a[0]) - Number(b[0]))
  if (/^true$/i.test(said.accumulate ?? '')) for (const one of all) accumulate(one)
  return {
    kind,
    title: said.title ?? '',
    stacked: /^stacked/.test(said.kind ?? '') || render?.kind === 'stackedareachart',
    legend: said.legend !== 'hidden' && (all.length > 1 || kind === 'piechart'),
    log: said.yaxis === 'log',
    x: { type, name: said.xtitle ?? (isTime(axis) ? `${axis.name} (UTC)` : axis.name), labels: isTime(axis) ? [...labels.keys()].sort() : [...labels.keys()] },
    y: { name: said.ytitle ?? (y.length === 1 ? (columns[y[0] as number]?.name ?? '') : '') },
    series: all,
    missing: [
      nLeftOut > 0 && `${nLeftOut.toLocaleString('en')} rows have no place on the axis or are beyond what can be read.`,
      nOverSeries > 0 && `Only the first ${SERIES_MOST} series are drawn.`,
    ].filter((text): text is string => Boolean(text)),
  }
}

const accumulate = (one: Series) => {
  let sum = 0
  one.points = one.points.map(([x, y]) => [x, (sum += y)])
}

/** What a card says: the values of the first row. */
export const cardOf = (columns: readonly LogsColumn[], rows: readonly Row[]) =>
  rows[0] ? columns.map((column, i) => ({ name: column.name, value: cellText(column, rows[0]?.[i]) })) : []
