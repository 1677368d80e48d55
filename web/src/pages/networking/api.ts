// What the page about networking asks of the API.
import { queryOptions } from '@tanstack/react-query'
import { api, call } from '../../api/client'
import { finished } from '../../frame/finish'
import { apiPath } from '../../paths'
import type { Networking, NetworkingPreview, NetworkingUpdate } from './model'

const path = (server: string) => apiPath`/servers/${server}/networking`

/** With its ETag: a change made meanwhile by somebody else is not written over. */
export const networkingQuery = (server: string) =>
  queryOptions({
    queryKey: ['servers', server, 'networking'],
    queryFn: ({ signal }) => call<Networking>('GET', path(server), { signal }),
  })

export const previewNetworking = (server: string, update: NetworkingUpdate) =>
  api.post<NetworkingPreview>(`${path(server)}/preview`, update)

export const changeNetworking = async (server: string, update: NetworkingUpdate, etag?: string) =>
  finished(await api.put<unknown>(path(server), update, etag))

export const rotateCertificate = async (server: string) =>
  finished(await api.post<unknown>(apiPath`/servers/${server}/certificate/rotate`))
