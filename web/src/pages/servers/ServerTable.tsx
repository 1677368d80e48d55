// Servers as a table: state, key, TLS at a glance.
import { Button, Text } from '@fluentui/react-components'
import type { ReactNode } from 'react'
import type { Server } from '../../api/types'
import { DataTable } from '../../parts/DataTable'
import { Empty } from '../../parts/Guard'
import { Link, useAnchor } from '../../parts/Link'
import { Badge, StateBadge, type Tone } from '../../parts/State'
import { Time } from '../../parts/Time'
import { paths } from '../../paths'

export const modeName = (mode: string | undefined): string =>
  mode === 'CustomerManaged' ? 'Customer-managed' : mode === 'SystemManaged' ? 'pgkeep-managed' : '–'

/** The last part of a key's address: what a person calls it. */
export const keyName = (uri: string | undefined): string =>
  uri?.replace(/[#?].*$/, '').replace(/\/+$/, '').split('/').at(-1) ?? '–'

/** Vault and name of a key in one of pgkeep's own key vaults. */
export const ownKey = (uri: string): { vault: string; key: string } | undefined => {
  const found = /^https:\/\/([a-z0-9-]+)\.vault\.localhost(?::\d+)?\/keys\/([A-Za-z0-9-]+)/.exec(uri)
  return found?.[1] && found[2] ? { vault: found[1], key: found[2] } : undefined
}

/** How a key stands, for any server. */
export const keyHealth = (server: Server): [Tone, string] => {
  const key = server.data_encryption
  if (!key) return ['quiet', 'Not known now']
  switch (key.health) {
    // A key that pgkeep keeps is not watched: it opened when the server started.
    case undefined: case null: return server.state === 'Ready' ? ['good', 'In use'] : ['quiet', 'Not in use']
    case 'usable': return ['good', 'Usable']
    case 'lost': return ['bad', 'Refused']
    case 'doubtful': return ['warn', 'In doubt']
    default: return ['quiet', 'Not checked yet']
  }
}

const tls = (server: Server): string =>
  server.tls ? (server.tls.require_secure_transport ? `Required, ${server.tls.min_protocol_version}+` : 'Not required') : '–'

export const ServerTable = ({ rows, urlKey, filters }: { rows: Server[]; urlKey?: string; filters?: ReactNode }) => {
  const anchor = useAnchor()
  return (
    <DataTable name="servers" noun="server" rows={rows} rowId={(one) => one.name} sort="name"
      {...(urlKey ? { urlKey } : {})} filters={filters}
      empty={
        <Empty title="No server yet" text="A server is a stock PostgreSQL whose every byte on disk is ciphertext. Making one takes a few seconds."
          cli="pgkeep server create -n web"
          actions={<Button as="a" appearance="primary" {...(anchor(paths.servers({ create: true })) as object)}>Create a server</Button>} />
      }
      columns={[
        { id: 'name', title: 'Name', value: (one) => one.name, cell: (one) => <Link to={paths.server(one.name)}>{one.name}</Link> },
        { id: 'state', title: 'State', value: (one) => one.state, cell: (one) => <StateBadge state={one.state} /> },
        { id: 'reason', title: 'Because', value: (one) => one.state_reason, hidden: true,
          cell: (one) => <Text size={200}>{one.state_reason || '–'}</Text> },
        { id: 'since', title: 'Since', value: (one) => one.state_since, cell: (one) => <Time at={one.state_since} age /> },
        { id: 'port', title: 'Port', align: 'end', value: (one) => one.port },
        { id: 'mode', title: 'Encryption key', value: (one) => modeName(one.data_encryption?.mode),
          cell: (one) => one.data_encryption
            ? <Link to={paths.encryption(one.name)}>{modeName(one.data_encryption.mode)}</Link> : '–' },
        { id: 'key', title: 'Key state', value: (one) => keyHealth(one)[1],
          cell: (one) => { const [tone, word] = keyHealth(one); return <Badge tone={tone}>{word}</Badge> } },
        { id: 'tls', title: 'TLS', value: tls },
        { id: 'version', title: 'PostgreSQL', align: 'end', value: (one) => one.major_version },
        { id: 'created', title: 'Created', hidden: true, value: (one) => one.created_at, cell: (one) => <Time at={one.created_at} /> },
      ]} />
  )
}
