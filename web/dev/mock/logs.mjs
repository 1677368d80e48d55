// The log lake. What stands in a query decides how it goes: `// slow`, `// fail`, `// cut`, `// none`,
// `// two`, `take 30000`.
const wait = (ms) => new Promise((done) => setTimeout(done, ms))
const at = (s) => new Date(Date.now() - s * 1000).toISOString().replace('Z', '1234Z')
const column = (text) => {
  const [name, type, meaning] = text.split(':')
  return { name, type, ...(meaning ? { meaning } : {}) }
}
const table = (name, columns, n_hot_rows, n_files, trouble = null) =>
  ({ name, columns: columns.map(column), n_hot_rows, hot_bytes: n_hot_rows * 310, n_files, file_bytes: n_files * 81_920, retention_days: null, trouble })
const tables = [
  table('PGSQLServerLogs', ['TimeGenerated:datetime:When it was logged', 'LogicalServerName:string:The server', 'ErrorLevel:string:LOG, WARNING, ERROR, FATAL or PANIC', 'SqlErrorCode:string:SQLSTATE', 'Message:string:What PostgreSQL said', 'Detail:string', 'Hint:string', 'ProcessId:int', 'BackendType:string', 'Statement:string'], 1820, 14),
  table('PgkeepConnections', ['TimeGenerated:datetime', 'Server:string', 'Role:string:Who connected', 'Database:string', 'ClientAddress:string:From where', 'ApplicationName:string', 'Result:string', 'Seconds:real', 'Facts:dynamic:Everything else that was seen'], 240, 3),
  table('PgkeepDeadLetters', ['TimeGenerated:datetime', 'Source:string:Where it came from', 'Parser:string', 'Reason:string:Why it became no row', 'Raw:string:The bytes as they came'], 3, 1, 'the folder of the table is full'),
  table('Syslog', ['TimeGenerated:datetime', 'Computer:string', 'Facility:string', 'SeverityLevel:string', 'SyslogMessage:string'], 0, 8),
]
const levels = ['LOG', 'LOG', 'LOG', 'WARNING', 'ERROR', 'LOG', 'FATAL']
const messages = ['connection received: host=192.0.2.17 port=51234', 'checkpoint complete: wrote 4421 buffers (27.0%)', 'duplicate key value violates unique constraint "orders_pkey"', 'password authentication failed for user "reporting"', 'Größe geändert: 12 µs für “straße” 🐘', '=cmd|\' /C calc\'!A0']
const value = ({ name, type }, i) => {
  if (type === 'datetime') return at(i * 7.3)
  if (type === 'int') return 4000 + (i * 37) % 900
  if (type === 'real') return Math.round(Math.abs(Math.sin(i)) * 1e5) / 1000
  if (type === 'dynamic') return i % 5 ? { tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' }, roles: ['reader', 'reporting'], n: i } : null
  if (name === 'ErrorLevel') return levels[i % levels.length]
  if (name === 'Message' || name === 'SyslogMessage' || name === 'Raw') return messages[i % messages.length]
  if (name === 'SqlErrorCode') return ['00000', '23505', '28P01'][i % 3]
  if (/Server|Computer/.test(name)) return ['demo', 'clinic', 'web'][i % 3]
  if (name === 'Hint' || name === 'Detail') return null
  return `${name.toLowerCase()}-${i % 11}`
}
const charts = {
  time: { columns: ['TimeGenerated:datetime', 'ErrorLevel:string', 'count_:long'], rows: () => Array.from({ length: 48 * 3 }, (_, i) => [at(1800 * (48 - Math.floor(i / 3))), ['LOG', 'ERROR', 'FATAL'][i % 3], Math.round(40 + 30 * Math.sin(i / 9) + (i % 3) * 14)]) },
  bar: { columns: ['Server:string', 'errors:long', 'warnings:long'], rows: () => [['demo', 41, 12], ['clinic', 17, 30], ['web', 8, 4], ['held', 2, 0]] },
  card: { columns: ['failed:long'], rows: () => [[17]] },
}
/** `range x from A to B step 1`, drawn with its squares. */
const numbers = (from, to, kind) => {
  const rows = Array.from({ length: to - from + 1 }, (_, i) => (kind ? [from + i, (from + i) ** 2] : [from + i]))
  return { columns: kind ? ['x:long', 'y:long'] : ['x:long'], rows: () => rows }
}
const shapeOf = (query) => {
  const kind = query.match(/\brender\s+(\w+)/)?.[1]
  if (!kind || kind === 'table') return { kind, data: undefined }
  if (/time|line|area/.test(kind)) return { kind, data: charts.time }
  return { kind, data: kind === 'card' ? charts.card : charts.bar }
}
const utf8 = (text) => Buffer.byteLength(text)
const diagnose = (query) => {
  const all = []
  const add = (severity, code, message, word) => {
    const i = query.indexOf(word)
    if (i >= 0) all.push({ severity, code, message, start: utf8(query.slice(0, i)), end: utf8(query.slice(0, i + word.length)) })
  }
  const named = query.replaceAll(/\/\/.*$/gm, '').match(/\b([A-Z]\w+)/)?.[1]
  if (named && !tables.some((t) => t.name === named)) add('error', 'KS204', `The name '${named}' does not refer to any known table`, named)
  add('error', 'KS142', "The name 'Nonsense' does not refer to any known column", 'Nonsense')
  add('warning', 'slow_regex', 'This expression may be slow', 'matches regex')
  return all
}
const runs = new Map()
const source = (name, kind, parser, health, more = {}) => ({ name, kind, parser, health, reason: '', last_seen_at: at(1), last_event_at: at(2),
  events_per_s: 0, bytes_per_s: 0, lag_bytes: null, n_events: 0, n_bytes: 0, n_dead_letters: 0, ...more })
const connectors = () => process.env.MOCK_EMPTY ? [] : [
  source('server/demo', 'postgresql', 'postgresql-jsonlog', 'ok', { events_per_s: 12.4 + Math.random(), bytes_per_s: 4800 + Math.random() * 900, lag_bytes: 0, n_events: 182_331, n_bytes: 71_000_000 }),
  source('server/clinic', 'postgresql', 'postgresql-jsonlog', 'failing', { reason: 'the log folder cannot be read: permission denied', last_seen_at: at(900), last_event_at: at(910), lag_bytes: 4_194_304, n_events: 9120, n_dead_letters: 3 }),
  source('syslog/tls-6514', 'syslog', 'syslog', 'stale', { reason: 'nothing came for 40 minutes', last_seen_at: at(2400), last_event_at: at(2410), n_events: 4410, n_bytes: 900_000 }),
  source('push/billing', 'push', 'jsonl', 'ok', { events_per_s: 0.4, bytes_per_s: 110, n_events: 620, n_bytes: 180_000 }),
  source('file/import', 'file', 'csv', 'waiting', { reason: 'nothing came yet', last_seen_at: null, last_event_at: null }),
]
const saved = [
  { name: 'Errors by hour', category: 'Health', description: 'How many errors each server logs, hour by hour.', query: 'PGSQLServerLogs\n| where ErrorLevel in ("ERROR", "FATAL")\n| summarize count() by bin(TimeGenerated, 1h), ErrorLevel\n| render timechart', saved_by: '', saved_at: null },
  { name: 'Failed sign-ins', category: 'Access', description: 'Who failed to sign in, from where, how often.', query: 'PgkeepConnections\n| where Result == "failed"\n| summarize n = count() by Role, ClientAddress\n| sort by n desc', saved_by: '', saved_at: null },
  { name: 'Servers by errors', category: 'Health', description: 'Which server has most to say.', query: 'PGSQLServerLogs\n| summarize errors = countif(ErrorLevel == "ERROR"), warnings = countif(ErrorLevel == "WARNING") by LogicalServerName\n| render barchart', saved_by: '', saved_at: null },
  { name: 'night shift', category: '', description: 'What woke me.', query: 'PGSQLServerLogs | where ErrorLevel == "FATAL" | take 50', saved_by: 'anna', saved_at: at(90_000) },
]

export const routes = ({ fault, ok, list, context }) => {
  const run = async function* (body) {
    const started = Date.now()
    const id = body.id ?? `r${started}`
    const { kind, data: drawn } = shapeOf(body.query)
    const range = body.query.match(/^range x from (\d+) to (\d+) step 1/)
    const data = range ? numbers(...range.slice(1, 3).map(Number), kind) : drawn
    const found = tables.find((t) => body.query.includes(t.name)) ?? tables[0]
    const columns = data ? data.columns.map(column) : found.columns
    const asked = Number(body.query.match(/\b(?:take|limit)\s+(\d+)/)?.[1] ?? 400)
    const n = body.query.includes('// none') ? 0 : data ? data.rows().length : Math.min(asked, 30_000)
    const state = { by: context.signedIn ? 'anna' : '', query: body.query, started_at: context.now(), cancelled: false }
    runs.set(id, state)
    try {
      yield { begin: { id, columns, diagnostics: diagnose(body.query).filter((d) => d.severity !== 'error') } }
      const step = body.query.includes('// slow') ? 40 : 1000
      for (let i = 0; i < n; i += step) {
        if (body.query.includes('// slow')) await wait(300)
        if (state.cancelled) return yield { error: { code: 'cancelled', message: 'the query was cancelled', exit: 1 } }
        yield { rows: data ? data.rows().slice(i, i + step) : Array.from({ length: Math.min(step, n - i) }, (_, j) => columns.map((c) => value(c, i + j))) }
        if (body.query.includes('// fail')) return yield { error: { code: 'memory', message: 'the query took more memory than it may', detail: 'summarize held 512 MiB', hint: 'take a shorter time range, or fewer groups', exit: 1 } }
        if (body.query.includes('// cut')) return
      }
      const two = body.query.includes('// two')
      if (two) {
        yield { table: { name: 'by server', columns: charts.bar.columns.map(column) } }
        yield { rows: charts.bar.rows() }
      }
      yield { end: { n_rows: n + (two ? 4 : 0), truncated: asked > 30_000, elapsed_ms: Date.now() - started, ...(kind ? { render: { kind, properties: { title: 'Events' } } } : {}) } }
    } finally {
      runs.delete(id)
    }
  }
  return [
    ['GET', '/logs/tables', () => list(tables)],
    ['GET', '/logs/connectors', () => list(connectors())],
    ['POST', '/logs/check', async ({ body }) => {
      await wait(60)
      const diagnostics = diagnose(body.query)
      return ok({ ok: !diagnostics.some((d) => d.severity === 'error'), columns: [], diagnostics })
    }],
    ['POST', '/logs/query', ({ body }) => {
      const wrong = diagnose(body.query).find((d) => d.severity === 'error')
      if (wrong) return fault(400, 'query', 'the query cannot be run', { detail: wrong.message, hint: 'the editor marks the place' })
      return { lines: run(body) }
    }],
    ['GET', '/logs/runs', () => list([...runs].map(([id, { by, query, started_at }]) => ({ id, by, query, started_at })))],
    ['DELETE', '/logs/runs/{id}', ({ params }) => {
      const found = runs.get(params.id)
      if (found) found.cancelled = true
      return ok({ changed: found ? 'changed' : 'unchanged' })
    }],
    ['GET', '/logs/saved-queries', () => list(saved)],
    ['PUT', '/logs/saved-queries/{name}', ({ params, body }) => {
      const found = saved.find((one) => one.name === params.name)
      if (found && !found.saved_by) return fault(409, 'conflict', 'this query comes with pgkeep', { hint: 'take another name' })
      const one = { name: params.name, category: '', ...body, saved_by: 'anna', saved_at: context.now() }
      if (found) Object.assign(found, one)
      else saved.push(one)
      return ok(one)
    }],
    ['DELETE', '/logs/saved-queries/{name}', ({ params }) => {
      const i = saved.findIndex((one) => one.name === params.name)
      if (i >= 0) saved.splice(i, 1)
      return ok({ changed: i >= 0 ? 'changed' : 'unchanged' })
    }],
  ]
}
