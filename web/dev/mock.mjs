// A plane that is not one: answers of the API's shapes from memory, and dist beside them.
// For looking at pages; not shipped. `node dev/mock.mjs [port]`; sign in as anyone, password "x" is refused.
import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const port = Number(process.argv[2] ?? 8444)
const dist = fileURLToPath(new URL('../dist', import.meta.url))
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2',
  '.ttf': 'font/ttf' }
const CSP = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

export const context = { signedIn: process.env.MOCK_SIGNED_OUT === undefined, jobs: [], now: () => new Date().toISOString() }
export const fault = (status, code, message, more = {}) => ({ status, body: { error: { code, message, request_id: 'req-0001', ...more } } })
export const ok = (body, etag) => ({ status: 200, body, etag })
export const list = (items) => ok({ items, next: null })

/** A job that takes its steps by the clock. */
export const job = (kind, target, steps, then) => {
  const one = { id: `job-${context.jobs.length + 1}`, kind, target, state: 'running', progress: [], started_at: context.now(),
    finished_at: null, started_by: 'anna', error: null, result: null }
  context.jobs.unshift(one)
  let i = 0
  const step = () => {
    if (i < steps.length) {
      one.progress.push(steps[i])
      i += 1
      setTimeout(step, 700)
      return
    }
    one.state = 'succeeded'
    one.finished_at = context.now()
    then?.(one)
  }
  step()
  return { status: 202, body: one }
}

// Every file of dev/mock exports routes: [method, pattern, handler({params, body, query})].
const routes = []
for (const file of readdirSync(new URL('./mock', import.meta.url)).sort()) {
  if (file.endsWith('.mjs')) routes.push(...(await import(`./mock/${file}`)).routes(
    { context, fault, ok, list, job },
  ))
}
const compiled = routes.map(([method, pattern, handler]) => {
  const names = []
  const regex = new RegExp(`^${pattern.replaceAll(/\{(\w+)\}/g, (_, name) => (names.push(name), '([^/]+)'))}$`)
  return { method, regex, names, handler }
})

const answerApi = async (request, response, url) => {
  const path = url.pathname.slice('/api/v1'.length)
  let text = ''
  for await (const chunk of request) text += chunk
  const body = text ? JSON.parse(text) : undefined
  const events = path.match(/^\/jobs\/([^/]+)\/events$/)
  if (events) return stream(response, events[1])
  const found = compiled.find((r) => r.method === request.method && r.regex.test(path))
  let answer
  if (!found) answer = fault(404, 'not_found', `there is no ${request.method} ${path}`)
  else if (!context.signedIn && !/^\/(sign-in|session|session\/link|about)$/.test(path)) answer = fault(401, 'unauthenticated', 'not signed in')
  else {
    const values = path.match(found.regex).slice(1).map(decodeURIComponent)
    const params = Object.fromEntries(found.names.map((name, i) => [name, values[i]]))
    answer = await found.handler({ params, body, query: url.searchParams })
  }
  if (answer.lines) return sendLines(response, answer.lines)
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  if (answer.etag) headers.etag = answer.etag
  response.writeHead(answer.status, headers)
  response.end(answer.body === undefined ? '' : JSON.stringify(answer.body))
}

/** Lines of JSON as they are made; who reads them may go before their end. */
const sendLines = async (response, lines) => {
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
  for await (const line of lines) {
    if (response.destroyed) return
    response.write(`${JSON.stringify(line)}\n`)
  }
  response.end()
}

const stream = (response, id) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const timer = setInterval(() => {
    const one = context.jobs.find((j) => j.id === id)
    response.write(`event: job\ndata: ${JSON.stringify(one)}\n\n`)
    if (one?.state !== 'running') {
      clearInterval(timer)
      response.end()
    }
  }, 300)
  response.on('close', () => clearInterval(timer))
}

const answerFile = (response, url) => {
  let path = join(dist, normalize(url.pathname))
  if (!path.startsWith(dist) || !existsSync(path) || !statSync(path).isFile()) path = join(dist, 'index.html')
  response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream', 'content-security-policy': CSP })
  createReadStream(path).pipe(response)
}

createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost')
  if (url.pathname.startsWith('/api/v1/')) {
    answerApi(request, response, url).catch((error) => {
      console.error(error)
      response.writeHead(500).end()
    })
  } else answerFile(response, url)
}).listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${port}`))
