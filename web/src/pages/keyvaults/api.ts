// What the pages about key vaults ask of the API.
import { queryOptions } from '@tanstack/react-query'
import { api, call, every } from '../../api/client'
import { all } from '../../api/queries'
import type { Paged } from '../../api/types'
import { apiPath } from '../../paths'
import type { AuditRecord, DeletedKey, Key, KeyVault, RoleAssignment, RotationPolicy, Vault } from './model'

const ofVault = (vault: string) => apiPath`/keyvaults/${vault}`
export const ofKey = (vault: string, key: string) => apiPath`/keyvaults/${vault}/keys/${key}`

export const sealQuery = queryOptions({
  queryKey: ['vault'],
  queryFn: ({ signal }) => api.get<Vault>('/vault', {}, signal),
  refetchInterval: every(5_000),
})

export const vaultsQuery = queryOptions({
  queryKey: ['keyvaults'],
  queryFn: ({ signal }) => all<KeyVault>('/keyvaults', signal),
})

export const vaultQuery = (vault: string) =>
  queryOptions({
    queryKey: ['keyvaults', vault],
    queryFn: ({ signal }) => api.get<KeyVault>(ofVault(vault), {}, signal),
  })

export const keysQuery = (vault: string) =>
  queryOptions({
    queryKey: ['keyvaults', vault, 'keys'],
    queryFn: ({ signal }) => all<Key>(`${ofVault(vault)}/keys`, signal),
    refetchInterval: every(15_000),
  })

/** With its ETag. */
export const keyQuery = (vault: string, key: string) =>
  queryOptions({
    queryKey: ['keyvaults', vault, 'keys', key],
    queryFn: ({ signal }) => call<Key>('GET', ofKey(vault, key), { signal }),
    refetchInterval: every(10_000),
  })

export const versionsQuery = (vault: string, key: string) =>
  queryOptions({
    queryKey: ['keyvaults', vault, 'keys', key, 'versions'],
    queryFn: ({ signal }) => all<Key>(`${ofKey(vault, key)}/versions`, signal),
  })

/** With its ETag. */
export const policyQuery = (vault: string, key: string) =>
  queryOptions({
    queryKey: ['keyvaults', vault, 'keys', key, 'policy'],
    queryFn: ({ signal }) => call<RotationPolicy>('GET', `${ofKey(vault, key)}/rotation-policy`, { signal }),
  })

export const deletedQuery = (vault: string) =>
  queryOptions({
    queryKey: ['keyvaults', vault, 'deleted'],
    queryFn: ({ signal }) => all<DeletedKey>(`${ofVault(vault)}/deleted-keys`, signal),
  })

export const rolesQuery = (vault: string) =>
  queryOptions({
    queryKey: ['keyvaults', vault, 'roles'],
    queryFn: ({ signal }) => all<RoleAssignment>(`${ofVault(vault)}/role-assignments`, signal),
  })

export const auditPage = (vault: string, after: string | undefined, signal: AbortSignal) =>
  api.get<Paged<AuditRecord>>(`${ofVault(vault)}/audit`, { limit: 100, after }, signal)
