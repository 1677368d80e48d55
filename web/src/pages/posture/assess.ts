// Assessing from a page: the call, the job that runs, its line for a shell.
import { api } from '../../api/client'
import type { Job } from '../../api/types'
import { shell } from '../../format'
import { jobs, useRun } from '../../frame/jobs'
import type { CliLine } from '../../parts/CopyAsCli'
import { type Path, apiPath } from '../../paths'
import { postureKey } from './api'

export interface AssessWish {
  checks: string[]
  profile: string
}

export const assessLine = (server: string, { checks, profile }: AssessWish): CliLine => ({
  title: checks.length ? `Assess ${checks.join(', ')} again` : 'Assess the server',
  cli: `pgkeep baseline assess -s ${shell(server)}${checks.map((id) => ` --id ${id}`).join('')}${profile ? ` --profile ${profile}` : ''}`,
  method: 'POST',
  path: apiPath`/servers/${server}/baseline/assessments`,
  body: { checks, ...(profile ? { profile } : {}) },
})

/** Starts an assessment and follows it. */
export const useAssess = (server: string) => {
  const run = useRun()
  return ({ checks, profile }: AssessWish, link: Path) =>
    run(() => api.post<Job>(apiPath`/servers/${server}/baseline/assessments`, { checks, ...(profile ? { profile } : {}) }), {
      title: checks.length ? `Check ${checks.join(', ')} of ${server} again` : `Assess ${server}`,
      link,
      changes: [postureKey(server), ['posture'], ['jobs']],
    })
}

/** The assessment of a server that runs now, if one does. */
export const useRunning = (server: string): Job | undefined =>
  jobs.use().find((job) => job.kind === 'assessment_create' && job.target === `/servers/${server}` && job.state === 'running')
