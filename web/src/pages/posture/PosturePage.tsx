// How all servers stand against the security baseline.
import { ArrowClockwiseRegular } from '@fluentui/react-icons'
import { useQuery } from '@tanstack/react-query'
import type { PostureServer } from '../../api/types'
import { type Column, DataTable } from '../../parts/DataTable'
import { Empty, Guard } from '../../parts/Guard'
import { Link } from '../../parts/Link'
import { Page } from '../../parts/Page'
import { Time } from '../../parts/Time'
import { paths } from '../../paths'
import { postureServersQuery } from './api'
import { scoreText } from './model'

export const PosturePage = () => {
  const query = useQuery(postureServersQuery)
  return (
    <Page
      title="Posture"
      lead="What is weak in each server, why, and what exactly was read. Nothing passes by default."
      actions={[{ label: 'Refresh', icon: <ArrowClockwiseRegular />, onClick: () => void query.refetch() }]}
      lines={[
        { title: 'Assess a server', cli: 'pgkeep baseline assess -s NAME -o json', path: '/baseline/servers' },
        { title: 'Assess a server that is not pgkeep’s', cli: "pgkeep baseline assess --dsn 'host=db.example.com user=scan dbname=postgres'", path: '/baseline/checks' },
      ]}
    >
      <Guard query={query} what="Posture">
        {(rows) => (
          <DataTable
            name="posture"
            noun="server"
            rows={rows}
            rowId={(row) => row.name}
            sort="score"
            columns={COLUMNS}
            empty={
              <Empty
                title="No server yet"
                text="Each server of pgkeep's own is assessed from inside, with every right, in every database. Any other PostgreSQL can be assessed from the command line."
                cli="pgkeep baseline assess --dsn 'host=db.example.com user=scan dbname=postgres'"
                actions={<Link to={paths.servers({ create: true })}>Create a server</Link>}
              />
            }
          />
        )}
      </Guard>
    </Page>
  )
}

const COLUMNS: Column<PostureServer>[] = [
  { id: 'name', title: 'Server', value: (one) => one.name, cell: (one) => <Link to={paths.serverPosture(one.name)}>{one.name}</Link> },
  { id: 'score', title: 'Score', align: 'end', value: (one) => one.last?.score ?? -1, cell: (one) => scoreText(one.last?.score) },
  { id: 'fail', title: 'Fail', align: 'end', value: (one) => one.last?.counts['fail'] ?? 0, cell: (one) => (one.last ? one.last.counts['fail'] ?? 0 : '–') },
  { id: 'unknown', title: 'Cannot tell', align: 'end', value: (one) => one.last?.counts['cannot-tell'] ?? 0, cell: (one) => (one.last ? one.last.counts['cannot-tell'] ?? 0 : '–') },
  { id: 'pass', title: 'Pass', align: 'end', value: (one) => one.last?.counts['pass'] ?? 0, cell: (one) => (one.last ? one.last.counts['pass'] ?? 0 : '–') },
  { id: 'at', title: 'Assessed', value: (one) => one.last?.assessed_at ?? '', cell: (one) => (one.last ? <Time at={one.last.assessed_at} age /> : 'never') },
  { id: 'next', title: 'Next', value: (one) => one.schedule.next_run_at ?? '', cell: (one) => (one.schedule.next_run_at ? <Time at={one.schedule.next_run_at} /> : 'by hand only') },
]
