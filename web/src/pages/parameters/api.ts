// What the page about parameters asks of the API.
import { queryOptions } from '@tanstack/react-query'
import { call } from '../../api/client'
import { all } from '../../api/queries'
import { apiPath } from '../../paths'
import type { Parameter } from './model'

/** What a change did, or with `dry_run` would do. */
export interface ParameterChange {
  name: string
  value: string
  changed: 'changed' | 'unchanged'
  needs_restart: boolean
  dry_run?: boolean
}

export const parametersKey = (server: string) => ['servers', server, 'parameters']

export const parametersQuery = (server: string) =>
  queryOptions({
    queryKey: parametersKey(server),
    queryFn: ({ signal }) => all<Parameter>(apiPath`/servers/${server}/parameters`, signal),
  })

/** Sets a parameter, or says what that would do; `null` takes the setting back. */
export const changeParameter = async (
  server: string,
  name: string,
  value: string | null,
  dryRun: boolean,
): Promise<ParameterChange> => {
  const path = apiPath`/servers/${server}/parameters/${name}`
  const query = dryRun ? { dry_run: true } : {}
  const answer =
    value === null
      ? await call<ParameterChange>('DELETE', path, { query })
      : await call<ParameterChange>('PATCH', path, { query, body: { value } })
  return answer.data
}
