// An answer as it comes: pieces, lines, ends.
import { describe, expect, it } from 'vitest'
import { ApiError } from '../../api/client'
import type { LogsLine } from '../../api/types'
import { exact, linesOf, readAnswer } from './ndjson'
import { unitsOf, utf8Length } from './offsets'
import { type Run, take } from './run'

async function* inPieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const collect = async (text: string, size: number): Promise<string[]> => {
  const all: string[] = []
  for await (const line of linesOf(inPieces(text, size))) all.push(line)
  return all
}

const read = async (text: string, size = 7): Promise<{ lines: LogsLine[]; fault?: string }> => {
  const lines: LogsLine[] = []
  try {
    await readAnswer(inPieces(text, size), (line) => lines.push(line))
    return { lines }
  } catch (error) {
    return { lines, fault: (error as ApiError).fault.code }
  }
}

const ROWS = '{"rows":[["Größe 🐘",1],["𝒳",2]]}'
const BEGIN = '{"begin":{"id":"r","columns":[],"diagnostics":[]}}'
const END = '{"end":{"n_rows":2,"truncated":false,"elapsed_ms":1}}'

describe('lines of a stream', () => {
  it('come out whole, wherever the bytes are cut', async () => {
    const text = `${BEGIN}\n${ROWS}\n\n${END}\n`
    for (let size = 1; size < 40; size += 1) expect(await collect(text, size)).toEqual([BEGIN, ROWS, END])
  })
  it('have a bound', async () => {
    const endless = (async function* () { for (;;) yield new Uint8Array(8 * 1024 * 1024).fill(0x20) })()
    await expect((async () => { for await (const _ of linesOf(endless)); })()).rejects.toThrow('too long')
  })
  it('may lack the last line feed', async () => {
    expect(await collect(`${BEGIN}\n${END}`, 5)).toEqual([BEGIN, END])
  })
  it('are not guessed from what is no UTF-8', async () => {
    const cut = (async function* () { yield new Uint8Array([0x7b, 0xff, 0x0a]) })()
    await expect((async () => { for await (const _ of linesOf(cut)); })()).rejects.toThrow()
  })
})

describe('integers beyond 2^53', () => {
  const values = (row: string) => JSON.parse(exact(`[${row}]`)) as unknown[]
  it('stay what they are', () => {
    expect(values('9223372036854775807, -9223372036854775808,9007199254740993')).toEqual(
      ['9223372036854775807', '-9223372036854775808', '9007199254740993'],
    )
    expect(values('{"a":[9223372036854775807]}')).toEqual([{ a: ['9223372036854775807'] }])
  })
  it('are the only ones that are touched', () => {
    const row = '9007199254740991,1,-5,0.1234567890123456789,12345678901234567890.5,1e300,12345678901234567e3'
    expect(values(row)).toEqual(JSON.parse(`[${row}]`))
    for (const text of ['9223372036854775807', '"9223372036854775807', '\\" 9223372036854775807 \\']) {
      expect(values(JSON.stringify(text))).toEqual([text])
    }
  })
})

describe('an answer', () => {
  it('is whole with its end', async () => {
    const { lines, fault } = await read(`${BEGIN}\n${ROWS}\n${END}\n`)
    expect(fault).toBeUndefined()
    expect(lines).toHaveLength(3)
  })
  it('is not whole without end or error, and says so', async () => {
    expect((await read(`${BEGIN}\n${ROWS}\n`)).fault).toBe('answer_not_whole')
    expect((await read(`${BEGIN}\n${END}\n`)).fault).toBe('answer_not_whole')
    expect((await read('')).fault).toBe('answer_not_whole')
    expect((await read(`${BEGIN}\n{"rows":[[1`)).fault).toBe('answer_not_whole')
  })
  it('fails in the words of the plane, after the rows that came', async () => {
    const { lines, fault } = await read(`${BEGIN}\n${ROWS}\n{"error":{"code":"memory","message":"too much"}}\n`)
    expect(fault).toBe('memory')
    expect(lines.at(-1)?.rows).toHaveLength(2)
  })
  it('takes rows up where they belong, also of a further result', () => {
    const run: Pick<Run, 'results' | 'warnings' | 'end'> = { results: [], warnings: [] }
    const column = (name: string) => ({ name, type: 'long' })
    expect(take(run, { rows: [[0]] })).toBe(0)
    take(run, { begin: { id: 'r', columns: [column('a')], diagnostics: [] } })
    expect(take(run, { rows: [[1], [2]] })).toBe(2)
    take(run, { table: { name: 'second', columns: [column('b')] } })
    take(run, { rows: [[3]] })
    take(run, { end: { n_rows: 3, truncated: true, elapsed_ms: 4 } })
    expect(run.results.map((one) => [one.name, one.rows.length])).toEqual([['', 2], ['second', 1]])
    expect(run.end?.truncated).toBe(true)
  })
})

describe('places in a text', () => {
  const text = 'T // ö𝒳🐘\r\n| where "ß" == x'
  it('are the same in bytes and in units', () => {
    for (let unit = 0; unit <= text.length; unit += 1) {
      // The middle of a pair is no place.
      if (/^[\udc00-\udfff]/.test(text.slice(unit))) continue
      expect(unitsOf(text, [utf8Length(text.slice(0, unit))])).toEqual([unit])
    }
  })
  it('keep their order, and their bounds', () => {
    expect(unitsOf('aöb', [4, 0, 3, 1, 99])).toEqual([3, 0, 2, 1, 3])
    expect(unitsOf('aöb', [2])).toEqual([1])
    expect(unitsOf('', [0, 5])).toEqual([0, 0])
    expect(unitsOf('\ud800x', [3])).toEqual([1])
  })
})
