// One key vault: its keys.
import { Button, Text } from '@fluentui/react-components'
import { AddRegular, ArrowClockwiseRegular, ShieldLockRegular } from '@fluentui/react-icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../api/client'
import { shell } from '../../format'
import { CopyValue } from '../../parts/Copy'
import type { CliLine } from '../../parts/CopyAsCli'
import { DataTable } from '../../parts/DataTable'
import { DangerDialog } from '../../parts/Dialogs'
import { Empty, Guard } from '../../parts/Guard'
import { Link } from '../../parts/Link'
import { Page, Section } from '../../parts/Page'
import { Badge } from '../../parts/State'
import { Time } from '../../parts/Time'
import { apiPath, paths } from '../../paths'
import { flag, useSearchParams } from '../../search'
import { CreateKey } from './CreateKey'
import { keysQuery, vaultQuery } from './api'
import { KEY_STATES, type Key, keyState } from './model'
import { keyvaultCrumbs, keyvaultTabs } from '../../parts/tabs'

const schema = { create: flag }

export const KeyVaultPage = ({ vault }: { vault: string }) => {
  const shown = useQuery(vaultQuery(vault))
  const keys = useQuery(keysQuery(vault))
  const client = useQueryClient()
  const [search, setSearch] = useSearchParams(schema)
  const [protecting, setProtecting] = useState(false)
  const info = shown.data
  return (
    <Page
      title={vault}
      crumbs={keyvaultCrumbs()}
      tabs={keyvaultTabs(vault)}
      actions={[
        { label: 'Create key…', needs: 'keyvault_key_create', icon: <AddRegular />, onClick: () => setSearch({ create: true }), primary: true },
        {
          label: 'Turn on purge protection…',
          needs: 'keyvault_update',
          icon: <ShieldLockRegular />,
          onClick: () => setProtecting(true),
          refused: info?.purge_protection && 'It is on, for ever',
          line: protectLine(vault),
        },
        { label: 'Refresh', icon: <ArrowClockwiseRegular />, onClick: () => void keys.refetch() },
      ]}
      lines={[
        { title: 'Show the vault', cli: `pgkeep keyvault show -n ${shell(vault)}`, path: apiPath`/keyvaults/${vault}` },
        {
          title: 'List keys',
          cli: `pgkeep keyvault key list --vault-name ${shell(vault)}`,
          path: apiPath`/keyvaults/${vault}/keys`,
        },
      ]}
      essentials={
        info && [
          { name: 'Address for SDKs', value: <CopyValue value={info.uri} label="address" /> },
          { name: 'Authority file', value: <CopyValue value={info.ca_file} label="path of the authority file" /> },
          { name: 'Deleted keys kept', value: `${info.retention_days} days` },
          {
            name: 'Purge protection',
            value: info.purge_protection ? (
              <Badge tone="good">On: nobody can purge earlier</Badge>
            ) : (
              <Badge tone="quiet">Off: a deleted key can be purged at once</Badge>
            ),
          },
          { name: 'Created', value: <Time at={info.created_at} /> },
        ]
      }
    >
      <Section title="Keys">
        <Guard query={keys} what="Keys">
          {(rows) => (
            <DataTable
              name={`keys-${vault}`}
              noun="key"
              rows={rows}
              rowId={(key) => key.name}
              sort="name"
              empty={
                <Empty
                  title="No key yet"
                  text="Make a key, give an identity the role “Key Vault Crypto Service Encryption User” on it, and name both when you create a server: its data key is then wrapped by your key."
                  cli={`pgkeep keyvault key create --vault-name ${shell(vault)} -n tde`}
                  actions={<Button appearance="primary" onClick={() => setSearch({ create: true })}>Create key…</Button>}
                />
              }
              columns={columns(vault)}
            />
          )}
        </Guard>
      </Section>
      {search.create && (
        <CreateKey
          vault={vault}
          taken={keys.data?.map((key) => key.name) ?? []}
          onClose={() => setSearch({ create: false })}
        />
      )}
      <DangerDialog
        open={protecting}
        onClose={() => setProtecting(false)}
        title={`Turn purge protection on for ${vault}?`}
        preview={
          <Text>
            From then on nobody, not even an owner, can destroy a deleted key before its {info?.retention_days ?? 90}{' '}
            days are over. This cannot be undone.
          </Text>
        }
        name={vault}
        submit="Turn on for ever"
        run={async () => {
          await api.patch(apiPath`/keyvaults/${vault}`, { purge_protection: true })
          await client.invalidateQueries({ queryKey: ['keyvaults'] })
          return <Text>Purge protection is on; the vault was asked again and said so.</Text>
        }}
        line={protectLine(vault)}
      />
    </Page>
  )
}

const protectLine = (vault: string): CliLine => ({
  title: 'Turn on purge protection',
  cli: `pgkeep keyvault update -n ${shell(vault)} --purge-protection`,
  method: 'PATCH',
  path: apiPath`/keyvaults/${vault}`,
  body: { purge_protection: true },
})

export const KeyStateBadge = ({ of }: { of: Pick<Key, 'enabled' | 'not_before' | 'expires_at'> }) => {
  const { text, tone } = KEY_STATES[keyState(of, Date.now())]
  return <Badge tone={tone}>{text}</Badge>
}

export const UsedBy = ({ names }: { names: string[] }) => {
  if (names.length === 0) return <>–</>
  return (
    <>
      {names.map((name, index) => (
        <span key={name}>
          {index > 0 && ', '}
          <Link to={paths.encryption(name)}>{name}</Link>
        </span>
      ))}
    </>
  )
}

const columns = (vault: string) => [
  {
    id: 'name',
    title: 'Name',
    value: (key: Key) => key.name,
    cell: (key: Key) => <Link to={paths.key(vault, key.name)}>{key.name}</Link>,
  },
  {
    id: 'state',
    title: 'State',
    value: (key: Key) => KEY_STATES[keyState(key, Date.now())].text,
    cell: (key: Key) => <KeyStateBadge of={key} />,
  },
  {
    id: 'used',
    title: 'Servers that use it',
    value: (key: Key) => key.used_by.join(', '),
    cell: (key: Key) => <UsedBy names={key.used_by} />,
  },
  {
    id: 'expires',
    title: 'Expires',
    value: (key: Key) => key.expires_at,
    cell: (key: Key) => (key.expires_at ? <Time at={key.expires_at} /> : 'never'),
  },
  {
    id: 'updated',
    title: 'Changed',
    value: (key: Key) => key.updated_at,
    cell: (key: Key) => <Time at={key.updated_at} age />,
  },
  {
    id: 'created',
    title: 'Created',
    hidden: true,
    value: (key: Key) => key.created_at,
    cell: (key: Key) => <Time at={key.created_at} />,
  },
  {
    id: 'tags',
    title: 'Tags',
    hidden: true,
    value: (key: Key) => Object.entries(key.tags).map(([name, value]) => `${name}=${value}`).join(' '),
  },
]
