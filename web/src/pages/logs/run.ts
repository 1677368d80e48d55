// A run of a query: rows are taken up as they come, and said to the page a few times a second.
import { ApiError, faultOf } from '../../api/client'
import type { ApiFault, LogsColumn, LogsDiagnostic, LogsEnd, LogsLine } from '../../api/types'
import { type Store, store } from '../../frame/store'
import { cancelRun, startQuery } from './api'
import { remember, rememberEnd } from './history'
import { piecesOf, readAnswer } from './ndjson'
import { IN_QUERY } from './timespan'

/** A query may have several results; the first has no name. */
export interface Result {
  name: string
  columns: LogsColumn[]
  /** Grows in place; `Run.n` says how far. */
  rows: unknown[][]
}

export interface Run {
  id: string
  query: string
  timespan: string
  started_at: number
  ended_at?: number
  state: 'running' | 'whole' | 'failed' | 'cancelled'
  results: Result[]
  /** Rows of all results, so far. */
  n: number
  warnings: LogsDiagnostic[]
  end?: LogsEnd
  fault?: ApiFault
}

const SAID_EVERY_MS = 150

/** What a line does to the results; answers how many rows came with it. */
export const take = (run: Pick<Run, 'results' | 'warnings' | 'end'>, line: LogsLine): number => {
  if (line.begin) {
    run.results.push({ name: '', columns: line.begin.columns, rows: [] })
    run.warnings.push(...line.begin.diagnostics)
  }
  if (line.table) run.results.push({ name: line.table.name, columns: line.table.columns, rows: [] })
  if (line.end) run.end = line.end
  const last = run.results.at(-1)
  if (!line.rows || !last) return 0
  for (const row of line.rows) last.rows.push(row)
  return line.rows.length
}

export interface Runner {
  run: Store<Run | undefined>
  start: (query: string, timespan: string) => Promise<void>
  cancel: () => void
}

/** Runs one query at a time; a new one takes the place of the one before. */
export const makeRunner = (): Runner => {
  const run = store<Run | undefined>(undefined)
  let current: AbortController | undefined

  const cancel = () => {
    const now = run.get()
    if (now?.state !== 'running') return
    current?.abort()
    // The closed connection ends the run too; this says it aloud, and reaches it through a proxy.
    cancelRun(now.id).catch(() => {})
  }

  const start = async (query: string, timespan: string) => {
    cancel()
    const mine = new AbortController()
    current = mine
    const at = new Date().toISOString()
    let now: Run = {
      id: crypto.randomUUID(), query, timespan, started_at: Date.now(), state: 'running', results: [], n: 0, warnings: [],
    }
    const say = (change: Partial<Run>) => {
      now = { ...now, ...change }
      if (current === mine) run.set(now)
    }
    say({})
    remember({ query, timespan, at })
    let timer: number | undefined
    try {
      const body = await startQuery({ id: now.id, query, ...(timespan === IN_QUERY ? {} : { timespan }) }, mine.signal)
      await readAnswer(piecesOf(body), (line) => {
        now.n += take(now, line)
        timer ??= window.setTimeout(() => {
          timer = undefined
          say({})
        }, SAID_EVERY_MS)
      })
      say({ state: 'whole', ended_at: Date.now() })
      rememberEnd(at, { rows: now.n, ms: now.end?.elapsed_ms ?? Date.now() - now.started_at })
    } catch (error) {
      const cancelled = mine.signal.aborted || (error instanceof ApiError && error.fault.code === 'cancelled')
      if (cancelled) say({ state: 'cancelled', ended_at: Date.now() })
      else say({ state: 'failed', ended_at: Date.now(), fault: faultOf(error) })
      rememberEnd(at, { fault: cancelled ? 'cancelled' : faultOf(error).message })
    } finally {
      window.clearTimeout(timer)
    }
  }
  return { run, start, cancel }
}
