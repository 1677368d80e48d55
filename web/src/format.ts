// How values read: times, sizes, ages.

const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

/** "3 minutes ago"; "just now" below ten seconds. */
export const ago = (at: string, now = Date.now()): string => {
  const seconds = (Date.parse(at) - now) / 1000
  if (Number.isNaN(seconds)) return at
  if (Math.abs(seconds) < 10) return 'just now'
  for (const [unit, size] of units) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit)
  }
  return relative.format(Math.trunc(seconds), 'second')
}

const local = new Intl.DateTimeFormat('en-GB', {
  day: '2-digit', month: 'short', year: 'numeric',
  hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23',
})

/** Local time, fixed width: "27 Nov 2026, 07:12:09". */
export const localTime = (at: string): string => {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? at : local.format(date)
}

/** "2026-11-27 06:12:09 UTC". */
export const utcTime = (at: string): string => {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return at
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** Binary units, three digits: "1.21 GiB". */
export const bytes = (n: number): string => {
  if (n < 1024) return `${n} B`
  const names = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let value = n
  let i = -1
  while (value >= 1024 && i < names.length - 1) {
    value /= 1024
    i += 1
  }
  return `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)} ${names[i]}`
}

/** "2 h 5 min", "41 s". */
export const duration = (ms: number): string => {
  const s = Math.max(0, Math.round(ms / 1000))
  if (s < 1) return `${Math.max(0, Math.round(ms))} ms`
  if (s < 60) return `${s} s`
  if (s < 3600) return s % 60 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${s / 60} min`
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`
}

export const count = (n: number, one: string, many = `${one}s`): string =>
  `${n.toLocaleString('en')} ${n === 1 ? one : many}`

/** Words of the API as sentences: each begins large and ends with a full stop. */
export const sentences = (...parts: (string | false | null | undefined)[]): string =>
  parts
    .map((part) => (part || '').trim())
    .filter(Boolean)
    .map((part) => {
      // A command stays as it is typed.
      const begin = part.startsWith('pgkeep ') ? 'p' : part.charAt(0).toUpperCase()
      return begin + part.slice(1) + (/[.!?]$/.test(part) ? '' : '.')
    })
    .join(' ')

/** A value quoted for a POSIX shell, left alone when it needs no quotes. */
export const shell = (value: string): string =>
  /^[A-Za-z0-9_./:=@%+,-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`

/** One cell of RFC 4180, harmless when a spreadsheet would take it for a formula. */
export const csvCell = (value: unknown): string => {
  let cell = value === null || value === undefined ? '' : String(value)
  if (/^[=+\-@\t\r]/.test(cell) && Number.isNaN(Number(cell))) cell = `'${cell}`
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}

export const csv = (rows: unknown[][]): string =>
  rows.map((row) => row.map(csvCell).join(',')).join('\r\n') + '\r\n'
