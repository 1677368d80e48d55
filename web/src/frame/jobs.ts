// Long work: follows a job by its events, or by asking when events cannot be had.
import { useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'
import { api, isJob } from '../api/client'
import type { Job } from '../api/types'
import { sentences } from '../format'
import { type Path, apiPath } from '../paths'
import { notify, notifyFault } from './notify'
import { store } from './store'

const POLL_MS = 1000
/** So many asks in a row may fail before a job is given up on. */
const ASKS_MOST = 30

/** Jobs this tab knows, newest first. */
export const jobs = store<Job[]>([])

const put = (job: Job) =>
  jobs.set((now) => {
    const others = now.filter((one) => one.id !== job.id)
    return [job, ...others].sort((a, b) => b.started_at.localeCompare(a.started_at)).slice(0, 50)
  })

const read = (id: string) => api.get<Job>(apiPath`/jobs/${id}`)

/** Resolves with the finished job; tells every step to the store. */
export const follow = (first: Job): Promise<Job> => {
  put(first)
  if (first.state !== 'running') return Promise.resolve(first)
  return new Promise((resolve, reject) => {
    let over = false
    let missed = 0
    let timer: number | undefined
    const events = new EventSource(`/api/v1${apiPath`/jobs/${first.id}/events`}`)
    const end = () => {
      over = true
      events.close()
      window.clearTimeout(timer)
    }
    const see = (job: Job) => {
      if (over) return
      put(job)
      if (job.state === 'running') return
      end()
      resolve(job)
    }
    const ask = async () => {
      try {
        see(await read(first.id))
        missed = 0
      } catch (error) {
        missed += 1
        if (!over && missed >= ASKS_MOST) {
          end()
          reject(error)
        }
      }
      if (!over && events.readyState === EventSource.CLOSED) timer = window.setTimeout(ask, POLL_MS)
    }
    const hear = (event: MessageEvent<string>) => {
      try {
        const heard: unknown = JSON.parse(event.data)
        if (isJob(heard)) return see(heard)
      } catch {
        // Not a job: ask for it.
      }
      void ask()
    }
    for (const name of ['message', 'job', 'progress', 'state', 'done', 'end']) events.addEventListener(name, hear)
    events.onerror = () => {
      // The server ends the stream with the job; anything else falls back to asking.
      events.close()
      void ask()
    }
  })
}

export interface RunOptions {
  /** What a person reads: "Rotate the key of demo". */
  title: string
  link?: Path
  /** Query keys that the work changes. */
  changes?: unknown[][]
}

/** Starts work, follows it if it is long, notifies of its end, refreshes what it changed. */
export const useRun = () => {
  const client = useQueryClient()
  return useCallback(
    async <T>(start: () => Promise<T>, { title, link, changes = [] }: RunOptions): Promise<T | undefined> => {
      const refresh = () => changes.forEach((queryKey) => void client.invalidateQueries({ queryKey }))
      try {
        const answer = await start()
        refresh()
        if (!isJob(answer)) {
          notify('success', title, undefined, link)
          return answer
        }
        const job = await follow(answer)
        refresh()
        if (job.state === 'failed') {
          notify('error', `${title}: failed`, sentences(job.error?.message, job.error?.hint), link)
          return undefined
        }
        notify('success', title, job.progress.at(-1), link)
        return job as T
      } catch (error) {
        refresh()
        notifyFault(`${title}: failed`, error)
        return undefined
      }
    },
    [client],
  )
}

/** Takes up the jobs that others, or this person in another tab, started. */
export const adopt = (found: Job[]) => {
  const known = new Set(jobs.get().map((job) => job.id))
  for (const job of found) {
    if (known.has(job.id)) continue
    if (job.state === 'running') void follow(job).catch(() => {})
    else put(job)
  }
}
