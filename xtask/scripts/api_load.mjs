// Open-loop load on the API: requests leave by the clock, whether or not earlier ones are answered,
// and each is timed from the moment when it was due.
//
// Environment: LOAD_URL, LOAD_CA (PEM), LOAD_TOKEN (file), LOAD_RATE (a second), LOAD_SECONDS,
// LOAD_PATHS (words). Prints one line of `name=value` words; times in milliseconds.
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { performance } from 'node:perf_hooks'

const env = (name) => {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set`)
  return value
}
const base = new URL(env('LOAD_URL'))
const paths = env('LOAD_PATHS').split(/\s+/)
const rate = Number(env('LOAD_RATE'))
const seconds = Number(env('LOAD_SECONDS'))
const ANSWER_MS = 10_000
const WARM_UP = 2 * rate

const agent = new Agent({ ca: readFileSync(env('LOAD_CA')), keepAlive: true, maxSockets: 64 })
const headers = { authorization: `Bearer ${readFileSync(env('LOAD_TOKEN'), 'utf8').trim()}` }
const took = []
const faults = new Map()
const fault = (what) => faults.set(what, (faults.get(what) ?? 0) + 1)

const ask = (path, due, isCounted) =>
  new Promise((resolve) => {
    const options = { host: base.hostname, port: base.port, path, agent, headers, timeout: ANSWER_MS }
    const call = request(options, (answer) => {
      let size = 0
      answer.on('data', (bytes) => (size += bytes.length))
      answer.on('end', () => {
        if (answer.statusCode !== 200 || size === 0) fault(`${path}:${answer.statusCode}`)
        if (isCounted) took.push(performance.now() - due)
        resolve()
      })
      answer.on('error', (error) => (fault(`${path}:${error.code}`), resolve()))
    })
    call.on('timeout', () => call.destroy(new Error('timeout')))
    call.on('error', (error) => (fault(`${path}:${error.code ?? error.message}`), resolve()))
    call.end()
  })

const total = WARM_UP + rate * seconds
const started = performance.now()
const pending = []
let n = 0
await new Promise((resolve) => {
  const send = () => {
    const now = performance.now()
    for (; n < total; n += 1) {
      const due = started + (n * 1000) / rate
      if (due > now) break
      pending.push(ask(paths[n % paths.length], due, n >= WARM_UP))
    }
    if (n < total) setTimeout(send, 1)
    else resolve()
  }
  send()
})
await Promise.all(pending)
agent.destroy()

took.sort((a, b) => a - b)
const at = (part) => took[Math.min(took.length - 1, Math.floor(took.length * part))] ?? Number.NaN
const words = { n: took.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) }
console.log(Object.entries(words).map(([name, value]) => `${name}=${value}`).join(' '))
if (faults.size > 0) {
  for (const [what, count] of faults) console.error(`${count} times ${what}`)
  process.exit(1)
}
