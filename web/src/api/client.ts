// One door to the API: the CSRF header, If-Match, and errors as one class.
import type { ApiFault, Job } from './types'

const BASE = '/api/v1'

/** What the API refused, in its own words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly fault: ApiFault,
    readonly retryAfter?: number,
  ) {
    super(fault.message)
  }

  /** Whether asking again cannot help. */
  get final(): boolean {
    return this.status >= 400 && this.status < 500 && this.status !== 429
  }
}

export interface CallOptions {
  body?: unknown
  query?: Record<string, string | number | boolean | undefined>
  /** The ETag that the change was made from; 412 when somebody was faster. */
  ifMatch?: string | undefined
  signal?: AbortSignal | undefined
}

export interface Answer<T> {
  data: T
  etag: string | undefined
  status: number
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

let onUnauthenticated = () => {}
/** Who is told when a call is answered with 401. */
export const whenUnauthenticated = (then: () => void) => {
  onUnauthenticated = then
}

const send = async (method: Method, path: string, accept: string, options: CallOptions): Promise<Response> => {
  const headers: Record<string, string> = { accept }
  if (method !== 'GET') headers['X-Pgkeep-Csrf'] = '1'
  if (options.body !== undefined) headers['content-type'] = 'application/json'
  if (options.ifMatch) headers['if-match'] = options.ifMatch
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(options.query ?? {})) {
    if (value !== undefined) query.set(key, String(value))
  }
  const search = query.toString()
  const init: RequestInit = { method, headers, credentials: 'same-origin', cache: 'no-store' }
  if (options.body !== undefined) init.body = JSON.stringify(options.body)
  if (options.signal) init.signal = options.signal
  try {
    return await fetch(BASE + path + (search ? `?${search}` : ''), init)
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
    throw new ApiError(0, {
      code: 'unreachable',
      message: 'the plane does not answer',
      hint: 'look with `pgkeep status`; the page asks again by itself',
    })
  }
}

const refusal = (response: Response, path: string, document: unknown): ApiError => {
  const fault = (document as { error?: ApiFault } | undefined)?.error ?? {
    code: String(response.status),
    message: response.statusText || `the plane answered ${response.status}`,
  }
  if (response.status === 401 && path !== '/session') onUnauthenticated()
  const wait = Number(response.headers.get('retry-after'))
  return new ApiError(response.status, fault, Number.isFinite(wait) && wait > 0 ? wait : undefined)
}

export const call = async <T>(method: Method, path: string, options: CallOptions = {}): Promise<Answer<T>> => {
  const response = await send(method, path, 'application/json', options)
  const document = parse(await response.text())
  if (!response.ok) throw refusal(response, path, document)
  return { data: document as T, etag: response.headers.get('etag') ?? undefined, status: response.status }
}

/** An answer that is read as it comes. */
export const stream = async (path: string, body: unknown, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> => {
  const response = await send('POST', path, 'application/x-ndjson', { body, signal })
  if (!response.ok || !response.body) throw refusal(response, path, parse(await response.text()))
  return response.body
}

const parse = (text: string): unknown => {
  if (!text) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const data = async <T>(answer: Promise<Answer<T>>): Promise<T> => (await answer).data

export const api = {
  get: <T>(path: string, query?: CallOptions['query'], signal?: AbortSignal) =>
    data(call<T>('GET', path, { query: query ?? {}, signal })),
  /** With the ETag, for pages that change what they read. */
  read: <T>(path: string, signal?: AbortSignal) => call<T>('GET', path, { signal }),
  post: <T>(path: string, body?: unknown) => data(call<T>('POST', path, { body })),
  put: <T>(path: string, body: unknown, ifMatch?: string) => data(call<T>('PUT', path, { body, ifMatch })),
  patch: <T>(path: string, body: unknown, ifMatch?: string) => data(call<T>('PATCH', path, { body, ifMatch })),
  delete: <T>(path: string, ifMatch?: string) => data(call<T>('DELETE', path, { ifMatch })),
}

/** Asks again every so often, but not what is refused for good: no stream of 403 in the logs. */
export const every = (ms: number) => (query: { state: { error: Error | null } }) =>
  query.state.error instanceof ApiError && query.state.error.final ? false : ms

/** Whether an answer is a job that still runs. */
export const isJob = (answer: unknown): answer is Job =>
  typeof answer === 'object' && answer !== null && 'id' in answer && 'state' in answer && 'progress' in answer

/** An error in words, whatever was thrown. */
export const faultOf = (error: unknown): ApiFault =>
  error instanceof ApiError
    ? error.fault
    : { code: 'portal', message: error instanceof Error ? error.message : String(error) }
