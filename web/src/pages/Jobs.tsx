// Long work, all of it, with every step.
import { useQuery } from '@tanstack/react-query'
import { every } from '../api/client'
import { all } from '../api/queries'
import type { Job } from '../api/types'
import { jobTitle, targetName } from '../frame/JobTray'
import { duration } from '../format'
import { DataTable } from '../parts/DataTable'
import { Empty, Guard } from '../parts/Guard'
import { Page } from '../parts/Page'
import { Badge } from '../parts/State'
import { Time } from '../parts/Time'
import { paths } from '../paths'

const words = { running: ['busy', 'Running'], succeeded: ['good', 'Succeeded'], failed: ['bad', 'Failed'] } as const

const took = (job: Job) =>
  job.finished_at ? Date.parse(job.finished_at) - Date.parse(job.started_at) : undefined

export const Jobs = () => {
  const query = useQuery({
    queryKey: ['jobs', 'all'], queryFn: ({ signal }) => all<Job>('/jobs', signal), refetchInterval: every(5_000),
  })
  return (
    <Page title="Jobs" crumbs={[{ text: 'Home', to: paths.home() }]}
      lead="Work that takes longer than a moment, who started it, and how it ended."
      lines={[{ title: 'List jobs', path: '/jobs' }]}>
      <Guard query={query}>
        {(rows) => (
          <DataTable name="jobs" noun="job" rows={rows} rowId={(job) => job.id} sort="-started"
            empty={<Empty title="No job yet" text="Creating a server or rotating a key starts one; it is kept here with its steps." />}
            columns={[
              { id: 'kind', title: 'What', value: (job) => jobTitle(job.kind) },
              { id: 'target', title: 'Of', value: (job) => targetName(job.target) },
              { id: 'state', title: 'State', value: (job) => job.state,
                cell: (job) => <Badge tone={words[job.state][0]}>{words[job.state][1]}</Badge> },
              { id: 'last', title: 'Last step', value: (job) => job.error?.message ?? job.progress.at(-1) },
              { id: 'by', title: 'Started by', value: (job) => job.started_by },
              { id: 'started', title: 'Started', value: (job) => job.started_at, cell: (job) => <Time at={job.started_at} /> },
              { id: 'took', title: 'Took', align: 'end', value: took,
                cell: (job) => { const ms = took(job); return ms === undefined ? '–' : duration(ms) } },
            ]} />
        )}
      </Guard>
    </Page>
  )
}
