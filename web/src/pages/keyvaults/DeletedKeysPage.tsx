// Deleted keys of a vault: recover, or purge for good.
import { Button, Text, makeStyles } from '@fluentui/react-components'
import { ArrowClockwiseRegular } from '@fluentui/react-icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../api/client'
import { shell } from '../../format'
import { finished } from '../../frame/finish'
import type { CliLine } from '../../parts/CopyAsCli'
import { DataTable } from '../../parts/DataTable'
import { DangerDialog } from '../../parts/Dialogs'
import { Empty, Guard } from '../../parts/Guard'
import { Link } from '../../parts/Link'
import { ActionButton, Page } from '../../parts/Page'
import { Time } from '../../parts/Time'
import { apiPath, paths } from '../../paths'
import { deletedQuery, vaultQuery } from './api'
import { keyvaultCrumbs, keyvaultTabs } from '../../parts/tabs'

const useStyles = makeStyles({ buttons: { display: 'flex', gap: '6px', justifyContent: 'flex-start' } })

export const DeletedKeysPage = ({ vault }: { vault: string }) => {
  const s = useStyles()
  const query = useQuery(deletedQuery(vault))
  const info = useQuery(vaultQuery(vault))
  const client = useQueryClient()
  const [asking, setAsking] = useState<{ name: string; what: 'recover' | 'purge' }>()
  const isProtected = info.data?.purge_protection ?? false
  const refresh = () => client.invalidateQueries({ queryKey: ['keyvaults', vault] })
  const name = asking?.name ?? ''
  return (
    <Page
      title="Deleted keys"
      crumbs={keyvaultCrumbs(vault)}
      tabs={keyvaultTabs(vault)}
      lead="A deleted key works no more, but can be recovered until its time ends. Purging destroys it at once and for ever."
      actions={[{ label: 'Refresh', icon: <ArrowClockwiseRegular />, onClick: () => void refresh() }]}
      lines={[
        {
          title: 'List deleted keys',
          cli: `pgkeep keyvault key list-deleted --vault-name ${shell(vault)}`,
          path: apiPath`/keyvaults/${vault}/deleted-keys`,
        },
      ]}
      messages={[
        isProtected && {
          intent: 'info',
          title: 'Purge protection is on.',
          text: 'Nobody, not even an owner, can purge a key of this vault before its time ends. That cannot be turned off.',
        },
      ]}
    >
      <Guard query={query} what="Deleted keys">
        {(rows) => (
          <DataTable
            name={`deleted-keys-${vault}`}
            noun="deleted key"
            rows={rows}
            rowId={(row) => row.name}
            sort="-deleted"
            empty={
              <Empty
                title="No deleted key"
                text={`Keys that are deleted wait here for ${info.data?.retention_days ?? 90} days and can be recovered with all their versions.`}
                cli={`pgkeep keyvault key delete --vault-name ${shell(vault)} -n KEY`}
              />
            }
            columns={[
              { id: 'name', title: 'Name', value: (row) => row.name, mono: true },
              { id: 'deleted', title: 'Deleted', value: (row) => row.deleted_at, cell: (row) => <Time at={row.deleted_at} /> },
              { id: 'purge', title: 'Destroyed by itself', value: (row) => row.purge_at, cell: (row) => <Time at={row.purge_at} /> },
              { id: 'level', title: 'Recovery', value: (row) => row.recovery_level, hidden: true },
              {
                id: 'do',
                title: 'Actions',
                value: () => '',
                cell: (row) => (
                  <span className={s.buttons}>
                    <Button
                      size="small"
                      aria-label={`Recover ${row.name}`}
                      onClick={() => setAsking({ name: row.name, what: 'recover' })}
                    >
                      Recover…
                    </Button>
                    <ActionButton
                      label="Purge…"
                      needs="keyvault_deleted_key_purge"
                      onClick={() => setAsking({ name: row.name, what: 'purge' })}
                      refused={isProtected && 'Purge protection is on: it goes by itself when its time ends'}
                    />
                  </span>
                ),
              },
            ]}
          />
        )}
      </Guard>
      <DangerDialog
        open={asking?.what === 'recover'}
        onClose={() => setAsking(undefined)}
        title={`Recover ${name}?`}
        preview={
          <Text>
            The key comes back with all its versions, enabled or disabled as they were. Servers that wait for it come
            back by themselves.
          </Text>
        }
        submit="Recover"
        run={async () => {
          await finished(await api.post<unknown>(apiPath`/keyvaults/${vault}/deleted-keys/${name}/recover`))
          await refresh()
          return <Text>It is back: <Link to={paths.key(vault, name)}>{name}</Link>.</Text>
        }}
        line={recoverLine(vault, name)}
      />
      <DangerDialog
        open={asking?.what === 'purge'}
        onClose={() => setAsking(undefined)}
        title={`Destroy ${name} for ever?`}
        preview={
          <Text>
            All versions are destroyed. What only this key can unwrap, such as the data of a server and its backups, can
            never be read again by anybody. There is no way back.
          </Text>
        }
        name={name}
        submit="Purge"
        run={async () => {
          await api.delete(apiPath`/keyvaults/${vault}/deleted-keys/${name}`)
          await refresh()
          return <Text>It is destroyed; the vault does not know it any more.</Text>
        }}
        line={purgeLine(vault, name)}
      />
    </Page>
  )
}

const recoverLine = (vault: string, name: string): CliLine => ({
  title: 'Recover the key',
  cli: `pgkeep keyvault key recover --vault-name ${shell(vault)} -n ${shell(name)}`,
  method: 'POST',
  path: apiPath`/keyvaults/${vault}/deleted-keys/${name}/recover`,
})

const purgeLine = (vault: string, name: string): CliLine => ({
  title: 'Purge the key',
  cli: `pgkeep keyvault key purge --vault-name ${shell(vault)} -n ${shell(name)}`,
  method: 'DELETE',
  path: apiPath`/keyvaults/${vault}/deleted-keys/${name}`,
})
