// What the pages about logs ask of the API.
import { queryOptions } from '@tanstack/react-query'
import { api, call, every, stream } from '../../api/client'
import { all } from '../../api/queries'
import type { Connector, LogsCheck, LogsTable, LogsWorker, SavedQuery } from '../../api/types'
import { apiPath } from '../../paths'

export const tablesQuery = queryOptions({
  queryKey: ['logs', 'tables'],
  queryFn: ({ signal }) => all<LogsTable>('/logs/tables', signal),
  staleTime: 60_000,
})

export const savedKey = ['logs', 'saved-queries']
export const savedQuery = queryOptions({
  queryKey: savedKey,
  queryFn: ({ signal }) => all<SavedQuery>('/logs/saved-queries', signal),
  staleTime: 30_000,
})

export const connectorsQuery = queryOptions({
  queryKey: ['logs', 'connectors'],
  queryFn: ({ signal }) => all<Connector>('/logs/connectors', signal),
  refetchInterval: every(3_000),
})

/** Each is asked whether it is there: not too often. */
export const workersQuery = queryOptions({
  queryKey: ['logs', 'workers'],
  queryFn: ({ signal }) => all<LogsWorker>('/logs/workers', signal),
  refetchInterval: every(15_000),
})

export const saveQuery = (name: string, description: string, query: string) =>
  api.put<SavedQuery>(apiPath`/logs/saved-queries/${name}`, { description, query })

export const deleteQuery = (name: string) => api.delete(apiPath`/logs/saved-queries/${name}`)

/** What the plane makes of a query; nothing is run. */
export const checkQuery = async (query: string, signal: AbortSignal): Promise<LogsCheck> =>
  (await call<LogsCheck>('POST', '/logs/check', { body: { query }, signal })).data

/** Ends a run. That it ended by itself before is no failure. */
export const cancelRun = (id: string) => api.delete(apiPath`/logs/runs/${id}`)

/** Starts a query; its answer is read as it comes. */
export const startQuery = (body: { id: string; query: string; timespan?: string }, signal: AbortSignal) =>
  stream('/logs/query', body, signal)
