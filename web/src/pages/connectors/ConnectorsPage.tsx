// Where events come from, and how each source stands.
import { Text, makeStyles, tokens } from '@fluentui/react-components'
import { ArrowClockwiseRegular, SearchRegular } from '@fluentui/react-icons'
import { useQuery } from '@tanstack/react-query'
import type { Connector, LogsWorker } from '../../api/types'
import { bytes, count, sentences } from '../../format'
import { CodeBlock } from '../../parts/Copy'
import { type Column, DataTable } from '../../parts/DataTable'
import { Empty, Guard } from '../../parts/Guard'
import { Link } from '../../parts/Link'
import { Page, Section } from '../../parts/Page'
import { Badge } from '../../parts/State'
import { Time } from '../../parts/Time'
import { paths } from '../../paths'
import { connectorsQuery, workersQuery } from '../logs/api'
import { bytesPerSecond, deadLetters, healthOf, healthRank, perSecond } from './model'

const useStyles = makeStyles({
  name: { display: 'grid', gap: '1px', overflowWrap: 'anywhere', minWidth: '150px' },
  quiet: { color: tokens.colorNeutralForeground2 },
  nowrap: { whiteSpace: 'nowrap' },
  ways: { display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: '16px' },
  way: { display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: '6px', maxWidth: '100ch' },
})

const INGEST = 'pgkeep logs ingest --table Billing events.jsonl'
const curl = () =>
  `curl --cacert ca.pem -H "Authorization: Bearer $PGKEEP_TOKEN" --data-binary @events.jsonl '${window.location.origin}/api/v1/logs/ingest?format=jsonl&table=Billing&source=push/billing'`

export const ConnectorsPage = () => {
  const s = useStyles()
  const query = useQuery(connectorsQuery)
  const ill = query.data?.filter((one) => one.health === 'failing' || one.health === 'stale') ?? []
  return (
    <Page
      title="Connectors"
      lead="Where events come from. Servers ship their logs by themselves; anything else can be pushed."
      actions={[
        { label: 'Search the logs', icon: <SearchRegular />, to: paths.logs() },
        { label: 'Refresh', icon: <ArrowClockwiseRegular />, onClick: () => void query.refetch() },
      ]}
      lines={[
        { title: 'List the connectors', cli: 'pgkeep logs connectors -o json', path: '/logs/connectors' },
        { title: 'Send a file', cli: INGEST, method: 'POST', path: '/logs/ingest?format=jsonl&table=Billing' },
      ]}
      messages={[
        ill.length > 0 && {
          intent: 'warning',
          title: `${count(ill.length, 'source')} ${ill.length === 1 ? 'needs' : 'need'} attention.`,
          text: `${ill.map((one) => `${one.name}: ${one.reason || healthOf(one)[1]}`).join('; ')}.`,
        },
      ]}
    >
      <Guard query={query} what="Connectors">
        {(rows) => (
          <DataTable
            name="connectors"
            noun="source"
            rows={rows}
            rowId={(row) => row.name}
            sort="health"
            columns={columnsOf(s)}
            empty={
              <Empty
                title="No source of events yet"
                text="A server that runs here ships PostgreSQL's log by itself: create one, and it stands here within seconds. A file is taken in by the command line; a program pushes lines of JSON with a token."
                cli={`${INGEST}\n\npgkeep token create --role security-admin -o json\n${curl()}`}
                actions={<Link to={paths.servers({ create: true })}>Create a server</Link>}
              />
            }
          />
        )}
      </Guard>
      {(query.data?.length ?? 0) > 0 && <Ways />}
      <Workers />
    </Page>
  )
}

/** Who answers parts of queries; nothing where the settings name nobody. */
const Workers = () => {
  const query = useQuery(workersQuery)
  if (query.data?.length === 0) return null
  return (
    <Section title="Workers">
      <Guard query={query} what="Workers">
        {(rows) => (
          <DataTable
            name="workers"
            noun="worker"
            urlKey="w"
            rows={rows}
            rowId={(row) => row.address}
            columns={WORKER_COLUMNS}
          />
        )}
      </Guard>
    </Section>
  )
}

const WORKER_COLUMNS: Column<LogsWorker>[] = [
  { id: 'address', title: 'Address', value: (one) => one.address },
  {
    id: 'state', title: 'State', value: (one) => one.state,
    cell: (one) => <Badge tone={one.state === 'ready' ? 'good' : 'bad'}>{one.state === 'ready' ? 'Ready' : 'Silent'}</Badge>,
  },
  { id: 'detail', title: 'Why', value: (one) => one.detail ?? '', cell: (one) => (one.detail ? sentences(one.detail) : '–') },
]

const Ways = () => {
  const s = useStyles()
  return (
    <Section title="Send more">
      <div className={s.ways}>
        <div className={s.way}>
          <Text>A file, once: CSV, JSON, lines of JSON, or a log that a parser knows. A table that is not there yet is made from it.</Text>
          <CodeBlock wrap text={INGEST} label="send a file" />
        </div>
        <div className={s.way}>
          <Text>A program, as it goes. The same bytes of one source count once, however often they are sent.</Text>
          <CodeBlock wrap text={curl()} label="push with curl" />
        </div>
      </div>
    </Section>
  )
}

const columnsOf = (s: ReturnType<typeof useStyles>): Column<Connector>[] => [
  {
    id: 'name', title: 'Source', value: (one) => one.name,
    cell: (one) => (
      <span className={s.name}>
        <Text weight="semibold">{one.name}</Text>
        {one.reason && <Text size={200} className={s.quiet}>{sentences(one.reason)}</Text>}
      </span>
    ),
  },
  {
    id: 'health', title: 'Health', value: healthRank,
    cell: (one) => {
      const [tone, word] = healthOf(one)
      return <Badge tone={tone}>{word}</Badge>
    },
  },
  { id: 'kind', title: 'Kind', value: (one) => one.kind },
  { id: 'parser', title: 'Parser', value: (one) => one.parser },
  { id: 'events', title: 'Events', align: 'end', value: (one) => one.events_per_s, cell: (one) => <span className={s.nowrap}>{perSecond(one.events_per_s)}</span> },
  { id: 'bytes', title: 'Bytes', align: 'end', value: (one) => one.bytes_per_s, cell: (one) => <span className={s.nowrap}>{bytesPerSecond(one.bytes_per_s)}</span> },
  {
    id: 'lag', title: 'Lag', align: 'end', value: (one) => one.lag_bytes ?? -1,
    cell: (one) => <span className={s.nowrap}>{one.lag_bytes === null ? '–' : one.lag_bytes === 0 ? 'none' : bytes(one.lag_bytes)}</span>,
  },
  { id: 'last', title: 'Last event', value: (one) => one.last_event_at ?? '', cell: (one) => <Time at={one.last_event_at} age /> },
  {
    id: 'dead', title: 'Dead letters', align: 'end', value: (one) => one.n_dead_letters,
    cell: (one) => one.n_dead_letters === 0 ? '0' : (
      <Link to={paths.logs(deadLetters(one.name))} aria-label={`${one.n_dead_letters} dead letters of ${one.name}, in the logs`}>
        {one.n_dead_letters.toLocaleString('en')}
      </Link>
    ),
  },
  { id: 'seen', title: 'Something came', hidden: true, value: (one) => one.last_seen_at ?? '', cell: (one) => <Time at={one.last_seen_at} age /> },
  { id: 'n_events', title: 'Events since start', align: 'end', hidden: true, value: (one) => one.n_events, cell: (one) => one.n_events.toLocaleString('en') },
  { id: 'n_bytes', title: 'Bytes since start', align: 'end', hidden: true, value: (one) => one.n_bytes, cell: (one) => bytes(one.n_bytes) },
]
