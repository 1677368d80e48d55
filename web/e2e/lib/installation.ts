// The installation under test: its command line, and its API as the local owner.
import { execFileSync, spawnSync } from 'node:child_process'
import { request } from 'node:http'

const env = (name: string): string => {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set: run \`cargo xtask test portal\``)
  return value
}

export const home = env('PGKEEP_HOME')
/** Without a slash at its end. */
export const url = env('PGKEEP_E2E_URL')
/** Where pictures and traces of failures go. */
export const seen = env('PGKEEP_E2E_SEEN')
export const caFile = `${home}/ca.pem`
/** The server that `up` made. */
export const demo = 'demo'

/** Runs the command line on this home; its exit code must be 0. */
export const pgkeep = (...words: string[]): string =>
  execFileSync(env('PGKEEP_E2E_PROGRAM'), words, { encoding: 'utf8', timeout: 120_000, stdio: 'pipe' })

/** The same, its answer as a document. */
export const pgkeepJson = <T>(...words: string[]): T => JSON.parse(pgkeep(...words, '-o', 'json')) as T

/** Runs what a person would paste into a shell. */
export const shell = (line: string) => {
  const ran = spawnSync('bash', ['-c', line], { encoding: 'utf8', timeout: 60_000, cwd: '/' })
  return { code: ran.status, out: ran.stdout.trim(), said: ran.stderr.trim() }
}

/** Asks the API through its unix socket, as the one who started pgkeep. */
export const api = <T>(method: string, path: string, body?: unknown): Promise<T> =>
  new Promise((resolve, reject) => {
    const headers = { host: 'localhost', 'content-type': 'application/json' }
    const options = { socketPath: `${home}/run/api.sock`, method, path: `/api/v1${path}`, headers }
    const call = request({ ...options, timeout: 60_000 }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (part: string) => (text += part))
      answer.on('end', () => {
        const status = answer.statusCode ?? 0
        if (status >= 300) reject(new Error(`${method} ${path}: ${status} ${text}`))
        else resolve((text ? JSON.parse(text) : undefined) as T)
      })
    })
    call.on('timeout', () => call.destroy(new Error(`${method} ${path}: no answer`)))
    call.on('error', reject)
    call.end(body === undefined ? undefined : JSON.stringify(body))
  })

/** A fresh link that signs in once. */
export const loginLink = async (): Promise<string> => (await api<{ url: string }>('POST', '/login-links', {})).url
