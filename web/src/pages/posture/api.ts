// What the pages about posture ask of the API.
import { queryOptions } from '@tanstack/react-query'
import { api, every } from '../../api/client'
import { all } from '../../api/queries'
import type {
  FixRecord, HbaAnswer, Posture, PostureBrief, PostureDrift, PostureResult, PostureSchedule, PostureServer, PostureWaiver, RoleGraph,
} from '../../api/types'
import { apiPath } from '../../paths'

/** Everything below it changes with an assessment. */
export const postureKey = (server: string) => ['posture', server]

export const postureServersQuery = queryOptions({
  queryKey: ['posture'],
  queryFn: ({ signal }) => all<PostureServer>('/baseline/servers', signal),
  refetchInterval: every(30_000),
})

export const postureQuery = (server: string, profile: string) =>
  queryOptions({
    queryKey: [...postureKey(server), 'stands', profile],
    queryFn: ({ signal }) => api.get<Posture>(apiPath`/servers/${server}/baseline`, { profile: profile || undefined }, signal),
    refetchInterval: every(60_000),
  })

export const resultQuery = (server: string, check: string, profile: string) =>
  queryOptions({
    queryKey: [...postureKey(server), 'result', check, profile],
    queryFn: ({ signal }) =>
      api.get<PostureResult>(apiPath`/servers/${server}/baseline/results/${check}`, { profile: profile || undefined }, signal),
  })

export const assessmentsQuery = (server: string) =>
  queryOptions({
    queryKey: [...postureKey(server), 'assessments'],
    queryFn: ({ signal }) => all<PostureBrief>(apiPath`/servers/${server}/baseline/assessments`, signal),
  })

export const driftQuery = (server: string, from: number | undefined, to: number | undefined) =>
  queryOptions({
    queryKey: [...postureKey(server), 'drift', from, to],
    queryFn: ({ signal }) => api.get<PostureDrift>(apiPath`/servers/${server}/baseline/drift`, { from, to }, signal),
  })

export const waiversKey = ['posture-waivers']
export const waiversQuery = queryOptions({
  queryKey: waiversKey,
  queryFn: ({ signal }) => all<PostureWaiver>('/baseline/waivers', signal),
})

export const scheduleQuery = (server: string) =>
  queryOptions({
    queryKey: [...postureKey(server), 'schedule'],
    queryFn: ({ signal }) => api.get<PostureSchedule>(apiPath`/servers/${server}/baseline/schedule`, {}, signal),
  })

export const roleGraphQuery = (server: string) =>
  queryOptions({
    queryKey: [...postureKey(server), 'roles'],
    queryFn: ({ signal }) => api.get<RoleGraph>(apiPath`/servers/${server}/baseline/role-graph`, {}, signal),
  })

export interface HbaQuestion {
  role: string
  database: string
  address: string
  tls: boolean
}

export const hbaQuery = (server: string, { role, database, address, tls }: HbaQuestion) =>
  queryOptions({
    queryKey: [...postureKey(server), 'hba', role, database, address, tls],
    queryFn: ({ signal }) =>
      api.get<HbaAnswer>(
        apiPath`/servers/${server}/baseline/hba`,
        { role, database: database || undefined, address: address || undefined, tls },
        signal,
      ),
    enabled: role !== '',
  })

export const fixesQuery = (server: string) =>
  queryOptions({
    queryKey: [...postureKey(server), 'fixes'],
    queryFn: ({ signal }) => all<FixRecord>(apiPath`/servers/${server}/baseline/fixes`, signal),
  })
