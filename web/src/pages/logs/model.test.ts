// Ranges, links, files, history, charts.
import { describe, expect, it } from 'vitest'
import { paths } from '../../paths'
import { deadLetters, perSecond, quoted } from '../connectors/model'
import { matching } from './TableBrowser'
import { type Chart, chartOf, kindOf, readRender } from './chart'
import { schemaOf } from './editor/schema'
import { KEPT_MOST, type Past, withPast } from './history'
import { fromHash, toHash } from './share'
import { between, isTimespan, localEnds, safeTimespan, timespanText } from './timespan'
import { cellText, comparer, numberOf, spanMs, toCsv, toJson } from './values'

const column = (name: string, type: string) => ({ name, type })

describe('a time range', () => {
  it.each(['P1D', 'PT30M', 'P1DT12H', 'PT1.5S', 'P2W', '2026-01-01T00:00:00Z/P1D', '2026-01-01T00:00:00Z/2026-01-02T00:00:00Z'])(
    'is %s', (text) => expect(isTimespan(text)).toBe(true),
  )
  it.each(['', 'P', 'PT', '1D', 'P1D/P1D', '2026-01-02T00:00:00Z/2026-01-01T00:00:00Z', 'P1D/x', 'a/b/c'])(
    'is not “%s”', (text) => expect(isTimespan(text)).toBe(false),
  )
  it('from a link is one, or the default', () => {
    expect(safeTimespan('')).toBe('')
    expect(safeTimespan('P7D')).toBe('P7D')
    expect(safeTimespan('javascript:1')).toBe('P1D')
    expect(safeTimespan(null)).toBe('P1D')
  })
  it('of two moments is in UTC, and comes back as it was typed', () => {
    const made = between('2026-03-01T10:00', '2026-03-02T10:30') ?? ''
    expect(made).toMatch(/^2026-0\d-\d\dT\d\d:\d\d:00Z\/2026-0\d-\d\dT\d\d:\d\d:00Z$/)
    expect(localEnds(made)).toEqual(['2026-03-01T10:00', '2026-03-02T10:30'])
    expect(between('2026-03-02T10:00', '2026-03-01T10:00')).toBeUndefined()
    expect(between('', '2026-03-01T10:00')).toBeUndefined()
  })
  it('reads as a person says it', () => {
    expect(timespanText('PT4H')).toBe('Last 4 hours')
    expect(timespanText('')).toBe('Set in query')
    expect(timespanText('P30D')).toBe('Last P30D')
  })
})

describe('a link', () => {
  const long = 'PGSQLServerLogs // ö𝒳\n'.repeat(400)
  it.each(['T | where a == "ö&#=+% 𝒳"\n| take 1', '', long])('holds its query (%#)', async (query) => {
    const hash = await toHash({ query, timespan: 'P7D' })
    expect(await fromHash(`#${hash}`)).toEqual({ query, timespan: 'P7D' })
    expect(hash.length).toBeLessThan(4000)
  })
  it('that is broken holds none', async () => {
    for (const hash of ['', '#x=1', '#z=!!', '#z=AAAA']) expect(await fromHash(hash)).toBeUndefined()
  })
  it('does not unpack without end', async () => {
    const bomb = await toHash({ query: 'a'.repeat(2_000_000), timespan: 'P1D' })
    expect(await fromHash(bomb)).toBeUndefined()
  })
  it('to dead letters quotes the source', async () => {
    expect(quoted('a"b\\c')).toBe('"a\\"b\\\\c"')
    const path = paths.logs(deadLetters('server/d"emo'))
    expect(path.startsWith('/logs#')).toBe(true)
    expect((await fromHash(path.slice('/logs'.length)))?.query).toContain('Source == "server/d\\"emo"')
  })
})

describe('a file', () => {
  const columns = [column('Time', 'datetime'), column('Message', 'string'), column('n', 'long'), column('d', 'dynamic'), column('n', 'long')]
  const rows = [['2026-01-01T00:00:00Z', '=cmd|\' /C calc\'!A0', -5, { a: [1] }, 1], [null, 'two\nlines, "quoted"', 2, null, 3]]
  it('of CSV runs no formula and keeps its lines', () => {
    const [head, first, ...rest] = toCsv(columns, rows).split('\r\n')
    expect(head).toBe('Time,Message,n,d,n')
    expect(first).toBe(`2026-01-01T00:00:00Z,'=cmd|' /C calc'!A0,-5,"{""a"":[1]}",1`)
    expect(rest.join('\r\n')).toBe(',"two\nlines, ""quoted""",2,,3\r\n')
  })
  it('of JSON keeps types, and both values of a name', () => {
    expect(JSON.parse(toJson(columns, rows))).toEqual([
      { Time: '2026-01-01T00:00:00Z', Message: '=cmd|\' /C calc\'!A0', n: -5, d: { a: [1] }, n_2: 1 },
      { Time: null, Message: 'two\nlines, "quoted"', n: 2, d: null, n_2: 3 },
    ])
  })
})

describe('values', () => {
  it('sort by what they are, null last either way', () => {
    const sorted = (type: string, values: unknown[], down = false) =>
      values.map((v) => [v]).sort(comparer(column('x', type), 0, down)).map(([v]) => v)
    expect(sorted('long', [10, null, 9, '11'])).toEqual([9, 10, '11', null])
    expect(sorted('long', [10, null, 9], true)).toEqual([10, 9, null])
    expect(sorted('string', ['b10', 'B2', null, 'a'])).toEqual(['a', 'B2', 'b10', null])
    expect(sorted('timespan', ['1.00:00:00', '-00:00:01', '23:59:59'])).toEqual(['-00:00:01', '23:59:59', '1.00:00:00'])
  })
  it('are read and shown', () => {
    expect(spanMs('-1.02:03:04.5')).toBe(-93_784_500)
    expect(spanMs('1 day')).toBeUndefined()
    expect(numberOf(column('x', 'decimal'), '1.5')).toBe(1.5)
    expect(numberOf(column('x', 'string'), '1.5')).toBeUndefined()
    expect(cellText(column('x', 'datetime'), '2026-01-01T00:00:00.1234567Z')).toBe('2026-01-01 00:00:00.123')
    expect(cellText(column('x', 'dynamic'), { a: 1 })).toBe('{"a":1}')
  })
})

describe('the history', () => {
  const one = (query: string): Past => ({ query, timespan: 'P1D', at: query })
  it('keeps the last hundred, each once', () => {
    let all: Past[] = []
    for (let i = 0; i < 130; i += 1) all = withPast(all, one(`T${i}`))
    expect(all).toHaveLength(KEPT_MOST)
    expect(withPast(all, one('T60'))[0]?.query).toBe('T60')
    expect(withPast(all, one('T60'))).toHaveLength(KEPT_MOST)
    expect(withPast(all, one('  '))).toBe(all)
  })
})

describe('a chart', () => {
  const time = column('TimeGenerated', 'datetime')
  const rows = [
    ['2026-01-01T02:00:00Z', 'b', 3], ['2026-01-01T01:00:00Z', 'a', 1], ['2026-01-01T02:00:00Z', 'a', 2], [null, 'a', 9],
  ]
  it('over time has a series for each name, in the order of time', () => {
    const chart = chartOf('timechart', [time, column('Level', 'string'), column('n', 'long')], rows) as Chart
    const at = (hour: number) => Date.UTC(2026, 0, 1, hour)
    expect(chart.x).toEqual({ type: 'time', name: 'TimeGenerated (UTC)', labels: [] })
    expect(chart.series).toEqual([{ name: 'b', points: [[at(2), 3]] }, { name: 'a', points: [[at(1), 1], [at(2), 2]] }])
    expect(chart.missing).toHaveLength(1)
  })
  it('of bars has a bar for each label and a series for each column of numbers', () => {
    const columns = [column('Server', 'string'), column('errors', 'long'), column('warnings', 'real')]
    const chart = chartOf('barchart', columns, [['demo', 4, 1.5], ['web', 2, null]]) as Chart
    expect(chart.x.labels).toEqual(['demo', 'web'])
    expect(chart.series).toEqual([{ name: 'errors', points: [['demo', 4], ['web', 2]] }, { name: 'warnings', points: [['demo', 1.5]] }])
    const one = chartOf('barchart', columns, [['demo', 4, 1]], { kind: 'barchart', properties: { ycolumns: 'warnings', kind: 'stacked' } }) as Chart
    expect(one.series.map((s) => s.name)).toEqual(['warnings'])
    expect(one.stacked).toBe(true)
  })
  it('of bars over time has them in its order', () => {
    const chart = chartOf('columnchart', [time, column('n', 'long')], [['2026-01-01T02:00:00Z', 1], ['2026-01-01T01:00:00Z', 2]]) as Chart
    expect(chart.x).toEqual({ type: 'category', name: 'TimeGenerated (UTC)', labels: ['2026-01-01 01:00:00', '2026-01-01 02:00:00'] })
  })
  it('of slices has one number for each', () => {
    const columns = [column('Server', 'string'), column('Level', 'string'), column('errors', 'long'), column('warnings', 'long')]
    const chart = chartOf('piechart', columns, [['demo', 'LOG', 4, 1], ['web', 'LOG', 2, 9]]) as Chart
    expect(chart.series).toEqual([{ name: 'errors', points: [['demo', 4], ['web', 2]] }])
  })
  it('that cannot be drawn says why', () => {
    expect(chartOf('timechart', [column('n', 'long')], [[1]])).toMatch(/datetime/)
    expect(chartOf('linechart', [time, column('s', 'string')], [[rows[0]?.[0], 'x']])).toMatch(/numbers/)
    expect(chartOf('piechart', [time], [])).toMatch(/no row/)
  })
  it('has a bound', () => {
    const many = Array.from({ length: 5000 }, (_, i) => [`x${i}`, `s${i}`, i])
    const chart = chartOf('columnchart', [column('x', 'string'), column('s', 'string'), column('n', 'long')], many) as Chart
    expect(chart.x.labels.length).toBeLessThanOrEqual(400)
    expect(chart.series.length).toBeLessThanOrEqual(60)
    expect(chart.missing).toHaveLength(2)
  })
  it('is what render says, however the plane writes it', () => {
    const said = { kind: 'timechart', properties: { title: 'x' } }
    for (const form of [
      { kind: 'timechart', properties: { title: 'x' } },
      { visualisation: 'TimeChart', options: [['title', { String: 'x' }]] },
    ]) expect(readRender(form)).toEqual(said)
    expect(readRender(undefined)).toBeUndefined()
    expect(kindOf({ kind: 'table', properties: {} })).toBeUndefined()
    expect(kindOf({ kind: 'constructor', properties: {} })).toBeUndefined()
    expect(kindOf({ kind: 'stackedareachart', properties: {} })).toBe('areachart')
  })
})

describe('tables', () => {
  const tables = [
    { name: 'Syslog', columns: [{ name: 'Computer', type: 'string', meaning: 'Who said it' }], n_hot_rows: 0, hot_bytes: 0, n_files: 0, file_bytes: 0, retention_days: null, trouble: null },
    { name: 'PGSQLServerLogs', columns: [column('Message', 'string'), column('Detail', 'dynamic')], n_hot_rows: 0, hot_bytes: 0, n_files: 0, file_bytes: 0, retention_days: null, trouble: null },
  ]
  it('are found by their name, or by a column', () => {
    expect(matching(tables, '').map((one) => one.open)).toEqual([false, false])
    expect(matching(tables, 'sys').map((one) => one.table.name)).toEqual(['Syslog'])
    const [found] = matching(tables, 'mess')
    expect(found).toMatchObject({ open: true, table: { name: 'PGSQLServerLogs', columns: [{ name: 'Message' }] } })
  })
  it('reach the language service with types and meanings', () => {
    const schema = schemaOf(tables, 3)
    expect(schema.database?.majorVersion).toBe(3)
    expect(schema.database?.tables[0]?.columns[0]).toEqual({ name: 'Computer', type: 'System.String', docstring: 'Who said it' })
    expect(schema.database?.tables[1]?.columns[1]?.type).toBe('System.Object')
  })
})

describe('a rate', () => {
  it('is short', () => {
    expect([0, 0.001, 0.4, 12.44, 1234.5].map(perSecond)).toEqual(['0', '< 0.01 /s', '0.40 /s', '12.4 /s', '1,235 /s'])
  })
})
