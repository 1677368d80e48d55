// The queries that somebody ran in this browser, newest first; they are sent nowhere.
import { store } from '../../frame/store'

export interface Past {
  query: string
  timespan: string
  at: string
  /** How it ended; absent while it runs, or when the tab was closed. */
  ended?: { rows: number; ms: number } | { fault: string }
}

const KEPT = 'pgkeep.logs.history:'
export const KEPT_MOST = 100
/** A longer query is run but not kept: the browser gives a page few megabytes. */
const QUERY_MOST = 20_000

const isPast = (one: unknown): one is Past =>
  typeof one === 'object' && one !== null && typeof (one as Past).query === 'string' &&
  typeof (one as Past).timespan === 'string' && typeof (one as Past).at === 'string'

let owner = ''

/** What is kept of a person. From now on what is remembered is theirs. */
export const recall = (person: string): Past[] => {
  owner = person
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEPT + owner) ?? '[]')
    return Array.isArray(found) ? found.filter(isPast).slice(0, KEPT_MOST) : []
  } catch {
    return []
  }
}

const write = (all: Past[]) => {
  try {
    localStorage.setItem(KEPT + owner, JSON.stringify(all))
  } catch {
    // Without storage the history lasts as long as the page.
  }
}

/** With one more in front; the same query with the same range is there once. */
export const withPast = (all: Past[], one: Past): Past[] =>
  one.query.trim() === '' || one.query.length > QUERY_MOST
    ? all
    : [one, ...all.filter((p) => p.query !== one.query || p.timespan !== one.timespan)].slice(0, KEPT_MOST)

export const past = store<Past[]>([])

const set = (change: (all: Past[]) => Past[]) => {
  past.set(change)
  write(past.get())
}

export const remember = (one: Past) => set((all) => withPast(all, one))
export const forgetAll = () => set(() => [])

/** Says how a query ended that was remembered. */
export const rememberEnd = (at: string, ended: NonNullable<Past['ended']>) =>
  set((all) => all.map((one) => (one.at === at ? { ...one, ended } : one)))
