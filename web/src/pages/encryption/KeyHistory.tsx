// What happened to a server's key.
import { Text } from '@fluentui/react-components'
import { useQuery } from '@tanstack/react-query'
import { every } from '../../api/client'
import { all } from '../../api/queries'
import type { EncryptionEvent, KeyFailure } from '../../api/types'
import { DataTable } from '../../parts/DataTable'
import { Empty, Guard } from '../../parts/Guard'
import { Section } from '../../parts/Page'
import { Badge, type Tone } from '../../parts/State'
import { Time } from '../../parts/Time'
import { apiPath } from '../../paths'

const word = (value: unknown): string => (typeof value === 'string' ? value : '')
const tones: Record<string, Tone> = { usable: 'good', lost: 'bad', doubtful: 'warn' }

/** An event in one sentence, and its tone. */
export const tell = (event: EncryptionEvent): [Tone, string] => {
  const to = word(event.to)
  if (event.kind === 'key') return [tones[to] ?? 'quiet', `${word(event.from) || 'unchecked'} → ${to || 'unchecked'}`]
  if (event.kind === 'rewrap') return ['good', 'Data key wrapped anew']
  return ['quiet', word(event.text) || event.kind]
}

const failure = (event: EncryptionEvent): string => {
  const found = event.failure as KeyFailure | null | undefined
  return found ? `${found.message}${found.inner_code ? ` (${found.inner_code})` : ''}` : ''
}

export const KeyHistory = ({ name }: { name: string }) => {
  const query = useQuery({
    queryKey: ['servers', name, 'encryption', 'history'],
    queryFn: ({ signal }) => all<EncryptionEvent>(apiPath`/servers/${name}/encryption/history`, signal, 1000),
    refetchInterval: every(10_000),
  })
  return (
    <Section title="History of the key">
      <Guard query={query}>
        {(rows) => (
          <DataTable name={`key history of ${name}`} noun="event" rows={rows} rowId={(row) => String(row.seq)} sort="-at"
            empty={<Empty title="Nothing happened to the key yet" text="Validations that change anything, rotations and refusals of the key are kept here. For a key that pgkeep keeps, rotations." />}
            columns={[
              { id: 'at', title: 'When', width: '220px', value: (row) => row.at, cell: (row) => <Time at={row.at} /> },
              { id: 'event', title: 'What', width: '240px', value: (row) => tell(row)[1],
                cell: (row) => { const [tone, text] = tell(row); return <Badge tone={tone}>{text}</Badge> } },
              { id: 'version', title: 'Version', mono: true, value: (row) => word(row.key_version) || word(row.to_version) },
              { id: 'why', title: 'Because', value: failure, cell: (row) => <Text>{failure(row) || '–'}</Text> },
              { id: 'seq', title: 'Number', align: 'end', hidden: true, value: (row) => row.seq },
            ]} />
        )}
      </Guard>
    </Section>
  )
}
