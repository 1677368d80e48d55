// What the pages about settings ask of the API.
import { queryOptions } from '@tanstack/react-query'
import { api } from '../../api/client'
import { all } from '../../api/queries'
import type { Paged } from '../../api/types'
import type { Act, Role, Token, User } from './model'

export const usersQuery = queryOptions({
  queryKey: ['users'],
  queryFn: ({ signal }) => all<User>('/users', signal),
})

export const rolesQuery = queryOptions({
  queryKey: ['roles'],
  queryFn: ({ signal }) => all<Role>('/roles', signal),
  staleTime: 600_000,
})

export const tokensQuery = queryOptions({
  queryKey: ['tokens'],
  queryFn: ({ signal }) => all<Token>('/tokens', signal),
})

export interface ActivityFilter {
  principal: string
  operation: string
}

export const activityPage = (filter: ActivityFilter, after: string | undefined, signal: AbortSignal) =>
  api.get<Paged<Act>>(
    '/activity',
    { limit: 100, after, principal: filter.principal || undefined, operation: filter.operation || undefined },
    signal,
  )
