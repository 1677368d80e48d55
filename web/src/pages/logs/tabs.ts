// The queries that are open, each with its range and its answer. Texts outlive a reload of the tab,
// answers do not.
import { store } from '../../frame/store'
import { past, recall } from './history'
import { type Runner, makeRunner } from './run'
import { BY_DEFAULT, safeTimespan } from './timespan'

export interface QueryTab {
  id: string
  title: string
  query: string
  timespan: string
  runner: Runner
}

export interface Desk {
  /** Whose it is: another person in the same browser finds it empty. */
  owner: string
  tabs: QueryTab[]
  here: string
}

const KEPT = 'pgkeep.logs.tabs'
export const TABS_MOST = 12

let last = 0
const make = (query = '', timespan = BY_DEFAULT, title?: string): QueryTab => {
  last += 1
  return { id: `t${last}`, title: title ?? `Query ${last}`, query, timespan, runner: makeRunner() }
}

export const desk = store<Desk>({ owner: '', tabs: [], here: '' })

interface Kept { owner: string; here: number; tabs: { title: string; query: string; timespan: string }[] }

const read = (owner: string): Desk | undefined => {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? 'null') as Kept | null
    if (kept?.owner !== owner || !kept.tabs.length) return undefined
    const tabs = kept.tabs.slice(0, TABS_MOST).map((t) => make(String(t.query), safeTimespan(t.timespan), String(t.title)))
    return { owner, tabs, here: (tabs[kept.here] ?? tabs[0])?.id ?? '' }
  } catch {
    return undefined
  }
}

const write = ({ owner, tabs, here }: Desk) => {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({
      owner,
      here: tabs.findIndex((tab) => tab.id === here),
      tabs: tabs.map(({ title, query, timespan }) => ({ title, query, timespan })),
    } satisfies Kept))
  } catch {
    // Then a reload begins anew.
  }
}

const change = (to: (now: Desk) => Desk) => {
  desk.set(to)
  write(desk.get())
}

/** The desk of somebody; what another one had open is put away. */
export const sitDown = (owner: string) => {
  const now = desk.get()
  if (now.owner === owner && now.tabs.length) return
  for (const tab of now.tabs) tab.runner.cancel()
  past.set(recall(owner))
  const kept = read(owner)
  const first = kept ? undefined : make()
  change(() => kept ?? { owner, tabs: first ? [first] : [], here: first?.id ?? '' })
}

export const setTab = (id: string, to: Partial<Pick<QueryTab, 'query' | 'timespan' | 'title'>>) =>
  change((now) => ({ ...now, tabs: now.tabs.map((tab) => (tab.id === id ? { ...tab, ...to } : tab)) }))

export const goTab = (id: string) => change((now) => ({ ...now, here: id }))

/**
 * Opens a query: in a tab that has it already, in the one at hand when nothing is written there,
 * else in a new one. Answers the tab.
 */
export const openQuery = (query: string, timespan: string, title?: string): QueryTab => {
  const now = desk.get()
  const same = now.tabs.find((tab) => tab.query === query && tab.timespan === timespan)
  if (same) {
    goTab(same.id)
    return same
  }
  const here = now.tabs.find((tab) => tab.id === now.here)
  if (here && (!here.query.trim() || now.tabs.length >= TABS_MOST)) {
    setTab(here.id, { query, timespan, ...(title ? { title } : {}) })
    return desk.get().tabs.find((tab) => tab.id === here.id) ?? here
  }
  const tab = make(query, timespan, title)
  change((was) => ({ ...was, tabs: [...was.tabs, tab], here: tab.id }))
  return tab
}

export const newTab = () => {
  const tab = make()
  change((now) => (now.tabs.length >= TABS_MOST ? now : { ...now, tabs: [...now.tabs, tab], here: tab.id }))
}

/** The last one is not closed but emptied. */
export const closeTab = (id: string) => {
  const at = desk.get().tabs.findIndex((tab) => tab.id === id)
  desk.get().tabs[at]?.runner.cancel()
  change((now) => {
    const tabs = now.tabs.filter((tab) => tab.id !== id)
    if (!tabs.length) tabs.push(make())
    const here = now.here === id ? (tabs[Math.min(at, tabs.length - 1)]?.id ?? '') : now.here
    return { ...now, tabs, here }
  })
}
