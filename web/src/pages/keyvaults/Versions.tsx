// All versions of a key, newest first.
import { Button } from '@fluentui/react-components'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { serversQuery } from '../../api/queries'
import { CopyValue } from '../../parts/Copy'
import { DataTable } from '../../parts/DataTable'
import { Guard } from '../../parts/Guard'
import { Section } from '../../parts/Page'
import { Badge } from '../../parts/State'
import { Time } from '../../parts/Time'
import { EnableDialog } from './EnableDialog'
import { KeyStateBadge, UsedBy } from './KeyVaultPage'
import { versionsQuery } from './api'
import { type Key, KEY_STATES, keyState, versionOf, wrappedBy } from './model'

interface Props {
  vault: string
  name: string
  newest: string
}

export const Versions = ({ vault, name, newest }: Props) => {
  const query = useQuery(versionsQuery(vault, name))
  const servers = useQuery(serversQuery)
  const users = (row: Key) => wrappedBy(servers.data ?? [], row)
  const [asking, setAsking] = useState<{ version: string; enable: boolean; usedBy: string[] }>()
  return (
    <Section title="Versions">
      <Guard query={query} what="Versions">
        {(rows) => (
          <DataTable
            name={`versions-${vault}-${name}`}
            noun="version"
            rows={rows}
            rowId={(row) => row.kid}
            sort="-created"
            columns={[
              {
                id: 'version',
                title: 'Version',
                value: versionOf,
                cell: (row) => <CopyValue value={versionOf(row)} label="version" />,
              },
              {
                id: 'newest',
                title: 'Newest',
                value: (row) => (versionOf(row) === newest ? 'newest' : ''),
                cell: (row) => (versionOf(row) === newest ? <Badge tone="good">Newest</Badge> : '–'),
              },
              {
                id: 'state',
                title: 'State',
                value: (row) => KEY_STATES[keyState(row, Date.now())].text,
                cell: (row) => <KeyStateBadge of={row} />,
              },
              { id: 'created', title: 'Created', value: (row) => row.created_at, cell: (row) => <Time at={row.created_at} /> },
              {
                id: 'expires',
                title: 'Expires',
                value: (row) => row.expires_at,
                cell: (row) => (row.expires_at ? <Time at={row.expires_at} /> : 'never'),
              },
              {
                id: 'used',
                title: 'Wraps the data key of',
                value: (row) => users(row).join(', '),
                cell: (row) => <UsedBy names={users(row)} />,
              },
              { id: 'by', title: 'Made by', value: (row) => (row.managed ? 'rotation policy' : 'a person'), hidden: true },
              {
                id: 'do',
                title: 'Action',
                value: () => '',
                cell: (row) => (
                  <Button
                    size="small"
                    aria-label={`${row.enabled ? 'Disable' : 'Enable'} version ${versionOf(row)}`}
                    onClick={() =>
                      setAsking({ version: versionOf(row), enable: !row.enabled, usedBy: users(row) })
                    }
                  >
                    {row.enabled ? 'Disable…' : 'Enable…'}
                  </Button>
                ),
              },
            ]}
          />
        )}
      </Guard>
      {asking && (
        <EnableDialog vault={vault} name={name} {...asking} onClose={() => setAsking(undefined)} />
      )}
    </Section>
  )
}
