// An answer as it comes: bytes in pieces, lines of JSON out, and whether it was whole.
import { ApiError } from '../../api/client'
import type { ApiFault, LogsLine } from '../../api/types'

/** A line may be so long; the plane's rows come in batches far below. */
const LINE_MOST = 64 * 1024 * 1024

/** The lines of a stream of UTF-8, however it is cut into pieces. */
export async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  for await (const piece of pieces) {
    const text = decoder.decode(piece, { stream: true })
    if (rest.length + text.length > LINE_MOST) throw broken('a line of the answer is too long')
    if (!text.includes('\n')) {
      rest += text
      continue
    }
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    for (const line of parts) if (line.trim()) yield line
  }
  rest += decoder.decode()
  if (rest.trim()) yield rest
}

/** Pieces of a body; cancelling the reader ends them. */
export async function* piecesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    reader.cancel().catch(() => {})
  }
}

const LONG = /\d{16}/
const STRING_OR_LONG = /"(?:[^"\\]|\\.)*"|(?<![\w.+-])-?\d{16,}(?![\d.eE])/g

/**
 * The same line, its integers beyond 2^53 as text: read as numbers they would become others. A
 * column still says that it holds numbers.
 */
export const exact = (line: string): string =>
  LONG.test(line)
    ? line.replace(STRING_OR_LONG, (found) =>
        found.startsWith('"') || Number.isSafeInteger(Number(found)) ? found : `"${found}"`)
    : line

const broken = (message: string, detail?: string): ApiError =>
  new ApiError(0, {
    code: 'answer_not_whole',
    message,
    ...(detail ? { detail } : {}),
    hint: 'the rows that came are shown; run it again',
  } satisfies ApiFault)

/**
 * Hands every line to `see`. Throws what the answer's `error` says, and throws when the answer
 * ends without `end`, or with other rows than its end counts: it is not whole.
 */
export const readAnswer = async (
  pieces: AsyncIterable<Uint8Array>,
  see: (line: LogsLine) => void,
): Promise<void> => {
  let whole = false
  let n = 0
  for await (const text of linesOf(pieces)) {
    let line: LogsLine
    try {
      line = JSON.parse(exact(text)) as LogsLine
    } catch {
      throw broken('the answer is not whole', 'a line of it is not JSON')
    }
    if (line.error) throw new ApiError(0, line.error)
    see(line)
    n += line.rows?.length ?? 0
    if (!line.end) continue
    whole = true
    if (line.end.n_rows !== n) throw broken('the answer is not whole', `${n} rows came, ${line.end.n_rows} were sent`)
  }
  if (!whole) throw broken('the answer is not whole', 'the connection closed before its end')
}
