// Long work of the last hours: what runs, its last step, how it ended.
import {
  Button, CounterBadge, Popover, PopoverSurface, PopoverTrigger, ProgressBar, Text, Tooltip, makeStyles, tokens,
} from '@fluentui/react-components'
import { TaskListLtrRegular } from '@fluentui/react-icons'
import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { every } from '../api/client'
import { jobsQuery } from '../api/queries'
import type { Job } from '../api/types'
import { duration, sentences } from '../format'
import { Link } from '../parts/Link'
import { Badge, type Tone } from '../parts/State'
import { Time } from '../parts/Time'
import { paths } from '../paths'
import { adopt, jobs } from './jobs'

const useStyles = makeStyles({
  surface: { width: 'min(440px, 92vw)', maxHeight: '70vh', overflowY: 'auto', padding: '12px 16px' },
  job: { display: 'grid', gap: '4px', padding: '10px 0', borderTop: `1px solid ${tokens.colorNeutralStroke2}` },
  line: { display: 'flex', justifyContent: 'space-between', gap: '12px', alignItems: 'baseline' },
  quiet: { color: tokens.colorNeutralForeground2 },
  button: { position: 'relative' },
  counter: { position: 'absolute', top: '-2px', right: '-2px', pointerEvents: 'none' },
  head: { display: 'flex', justifyContent: 'space-between', paddingBottom: '8px' },
})

const tones: Record<Job['state'], Tone> = { running: 'busy', succeeded: 'good', failed: 'bad' }

/** "server-create" → "Server create". */
export const jobTitle = (kind: string): string => {
  const words = kind.replaceAll(/[-_.]/g, ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** "/servers/demo" → "demo". */
export const targetName = (target: string): string => target.split('/').filter(Boolean).at(-1) ?? target

export const JobTray = () => {
  const s = useStyles()
  const { data } = useQuery({ ...jobsQuery, refetchInterval: every(30_000) })
  useEffect(() => {
    if (data) adopt(data.items)
  }, [data])
  const all = jobs.use()
  const running = all.filter((job) => job.state === 'running').length
  return (
    <Popover trapFocus positioning="below-end">
      <PopoverTrigger disableButtonEnhancement>
        <Tooltip content={running ? `Jobs, ${running} running` : 'Jobs'} relationship="label">
          <Button appearance="subtle" className={s.button} icon={
            <>
              <TaskListLtrRegular />
              {running > 0 && <CounterBadge className={s.counter} size="small" color="informative" count={running} />}
            </>
          } />
        </Tooltip>
      </PopoverTrigger>
      <PopoverSurface className={s.surface} aria-label="Jobs">
        <div className={s.head}>
          <Text weight="semibold">Jobs</Text>
          {all.length > 0 && <Link to={paths.jobs()}>All of them</Link>}
        </div>
        {all.length === 0 && (
          <Text className={s.quiet}>Work that takes longer than a moment is shown here with each step: creating a server, rotating a key, verifying storage.</Text>
        )}
        {all.map((job) => <JobLine key={job.id} job={job} />)}
      </PopoverSurface>
    </Popover>
  )
}

export const JobLine = ({ job }: { job: Job }) => {
  const s = useStyles()
  const took = job.finished_at ? Date.parse(job.finished_at) - Date.parse(job.started_at) : undefined
  return (
    <div className={s.job}>
      <div className={s.line}>
        <Badge tone={tones[job.state]}>{jobTitle(job.kind)} · {targetName(job.target)}</Badge>
        <Text size={200} className={s.quiet}>{took === undefined ? 'running' : duration(took)}</Text>
      </div>
      {job.state === 'running' && <ProgressBar aria-label={`${jobTitle(job.kind)} of ${targetName(job.target)}`} />}
      <Text size={200} role={job.state === 'running' ? 'status' : undefined}>
        {job.state === 'failed' ? sentences(job.error?.message, job.error?.hint) : job.progress.at(-1)}
      </Text>
      <Text size={200} className={s.quiet}>
        <Time at={job.started_at} age />{job.started_by && <> · by {job.started_by}</>}
      </Text>
    </div>
  )
}
