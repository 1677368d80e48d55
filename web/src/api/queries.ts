// The queries that more than one page asks; a page's own queries stay with the page.
import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { notify } from '../frame/notify'
import { apiPath } from '../paths'
import { api, call, every } from './client'
import type { HomeDoc, Job, Paged, Server, Session, SignInWays } from './types'

const told = new Set<string>()

/** Everything of a list, page by page, up to a bound that is said aloud. */
export const all = async <T>(path: string, signal?: AbortSignal, most = 5000): Promise<T[]> => {
  const items: T[] = []
  let after: string | undefined
  do {
    const page = await api.get<Paged<T>>(path, { limit: 200, after }, signal)
    items.push(...page.items)
    after = page.next ?? undefined
  } while (after && items.length < most)
  if (after && !told.has(path)) {
    told.add(path)
    notify('warning', `Only the first ${items.length.toLocaleString('en')} are shown`, `The list ${path} is longer; the API has the rest.`)
  }
  return items
}

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: ({ signal }) => api.get<Session>('/session', {}, signal),
  staleTime: 60_000,
  retry: false,
})

export const signInQuery = queryOptions({
  queryKey: ['sign-in'],
  queryFn: ({ signal }) => api.get<SignInWays>('/sign-in', {}, signal),
  staleTime: 60_000,
})

export const homeQuery = queryOptions({
  queryKey: ['home'],
  queryFn: ({ signal }) => api.get<HomeDoc>('/home', {}, signal),
  refetchInterval: every(15_000),
})

export const serversQuery = queryOptions({
  queryKey: ['servers'],
  queryFn: ({ signal }) => all<Server>('/servers', signal),
  refetchInterval: every(10_000),
})

export const serverQuery = (name: string) =>
  queryOptions({
    queryKey: ['servers', name],
    queryFn: ({ signal }) => api.get<Server>(apiPath`/servers/${name}`, {}, signal),
    refetchInterval: every(5_000),
  })

export const keyvaultsQuery = queryOptions({
  queryKey: ['keyvaults'],
  queryFn: ({ signal }) => all<{ name: string; uri?: string }>('/keyvaults', signal),
})

export const identitiesQuery = queryOptions({
  queryKey: ['identities'],
  queryFn: ({ signal }) => all<{ name: string; client_id?: string }>('/identities', signal),
})

export const jobsQuery = queryOptions({
  queryKey: ['jobs'],
  queryFn: ({ signal }) => api.get<Paged<Job>>('/jobs', { limit: 50 }, signal),
})

export const useSession = () => useQuery(sessionQuery)

/** Whether somebody may do an operation somewhere, as far as the session tells; the API decides. */
export const allows = (session: Session | undefined, operation: string): boolean =>
  session?.operations === undefined || session.operations.includes(operation)

/** `may('server_create')`: for what to offer. A refusal that depends on the place comes with the call. */
export const useMay = () => {
  const { data } = useSession()
  return (operation: string) => allows(data, operation)
}

/** A query for one changeable thing with its ETag: {data, etag}. */
export const withEtag = <T>(key: readonly unknown[], path: string) =>
  queryOptions({ queryKey: [...key, 'etag'], queryFn: ({ signal }) => call<T>('GET', path, { signal }) })

/** Forgets what is known below a key, so that it is asked again. */
export const useRefresh = () => {
  const client = useQueryClient()
  return (...key: unknown[]) => client.invalidateQueries({ queryKey: key })
}
