// A query and its time range in the URL's fragment, which no server and no log sees.
import { type LogsLink, logsHash } from '../../paths'
import { safeTimespan } from './timespan'

/** A longer query is compressed before it goes into the URL. */
const PLAIN_MOST = 1200
/** Nobody's query; an honest one is far below. */
const UNPACKED_MOST = 400_000

const base64url = (bytes: Uint8Array): string => {
  let text = ''
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000))
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

const unbase64url = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))

const through = async (bytes: Uint8Array<ArrayBuffer>, stream: GenericTransformStream, most: number): Promise<Uint8Array> => {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader() as ReadableStreamDefaultReader<Uint8Array>
  const parts: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    length += value.length
    if (length > most) throw new Error('the link holds too much')
    parts.push(value)
  }
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** The fragment for a query, without `#`. */
export const toHash = async ({ query, timespan }: LogsLink): Promise<string> => {
  if (query.length <= PLAIN_MOST) return logsHash({ query, timespan })
  const bytes = new TextEncoder().encode(query)
  const packed = await through(bytes, new CompressionStream('deflate-raw'), Number.POSITIVE_INFINITY)
  return new URLSearchParams({ z: base64url(packed), t: timespan }).toString()
}

/** The query of a fragment; `undefined` where there is none, or none that can be read. */
export const fromHash = async (hash: string): Promise<LogsLink | undefined> => {
  const params = new URLSearchParams(hash.replace(/^#/, ''))
  const timespan = safeTimespan(params.get('t'))
  const query = params.get('q')
  if (query !== null) return { query, timespan }
  const packed = params.get('z')
  if (!packed) return undefined
  try {
    const bytes = await through(unbase64url(packed), new DecompressionStream('deflate-raw'), UNPACKED_MOST)
    return { query: new TextDecoder('utf-8', { fatal: true }).decode(bytes), timespan }
  } catch {
    return undefined
  }
}
