// Which events count: a choice of the picker, as the API and the URL write it.

export const RANGES = [
  { id: 'PT30M', text: 'Last 30 minutes' },
  { id: 'PT1H', text: 'Last hour' },
  { id: 'PT4H', text: 'Last 4 hours' },
  { id: 'P1D', text: 'Last 24 hours' },
  { id: 'P7D', text: 'Last 7 days' },
] as const

/** Nothing is said: all events, or those that the query itself names. */
export const IN_QUERY = ''
export const BY_DEFAULT = 'P1D'

const PART = String.raw`P(?=.)(?:\d+W|(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?)`
const DURATION = new RegExp(`^${PART}$`)

const isMoment = (text: string): boolean => /^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text))

/** Whether it is a duration, or two ends with a slash between. */
export const isTimespan = (text: string): boolean => {
  const ends = text.split('/')
  if (ends.length === 1) return DURATION.test(text)
  if (ends.length !== 2) return false
  const [from, to] = ends as [string, string]
  if (isMoment(from) && isMoment(to)) return Date.parse(from) < Date.parse(to)
  return (isMoment(from) && DURATION.test(to)) || (DURATION.test(from) && isMoment(to))
}

/** What came from a URL, or the default when it is nothing that the API would take. */
export const safeTimespan = (text: string | null | undefined): string =>
  text === IN_QUERY || (text && isTimespan(text)) ? text : BY_DEFAULT

/** From and to, in the API's form. `undefined` where they are no range. */
export const between = (from: string, to: string): string | undefined => {
  const [a, b] = [new Date(from), new Date(to)]
  if (Number.isNaN(a.getTime()) || Number.isNaN(b.getTime()) || a >= b) return undefined
  const print = (at: Date) => at.toISOString().replace('.000Z', 'Z')
  return `${print(a)}/${print(b)}`
}

/** The two ends as an input of local time wants them: "2026-11-27T07:12". */
export const localEnds = (timespan: string): [string, string] | undefined => {
  const ends = timespan.split('/')
  if (ends.length !== 2 || !ends.every(isMoment)) return undefined
  return ends.map(localInput) as [string, string]
}

export const localInput = (at: string | number): string => {
  const date = new Date(at)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`
}

const moment = new Intl.DateTimeFormat('en-GB', { day: '2-digit', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })

/** What the picker's button says. */
export const timespanText = (timespan: string): string => {
  if (timespan === IN_QUERY) return 'Set in query'
  const known = RANGES.find((range) => range.id === timespan)
  if (known) return known.text
  const ends = timespan.split('/')
  if (ends.length !== 2) return `Last ${timespan}`
  return ends.map((end) => (isMoment(end) ? moment.format(new Date(end)) : end)).join(' – ')
}
