// Work that a form waits for: a job is followed to its end, a failed one is thrown.
import { ApiError, isJob } from '../api/client'
import { follow } from './jobs'

/** The answer itself, or what came of the job that it names. */
export const finished = async (answer: unknown): Promise<unknown> => {
  if (!isJob(answer)) return answer
  const job = await follow(answer)
  if (job.state === 'succeeded') return job.result
  throw new ApiError(500, job.error ?? { code: 'job_failed', message: 'the work failed' })
}
