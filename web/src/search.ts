// State that lives in the URL: a schema of search parameters, and a hook that reads and writes it.
import { useRouter, useRouterState } from '@tanstack/react-router'
import { useCallback, useMemo } from 'react'

interface Param<T> {
  parse: (text: string | undefined) => T
  /** `undefined` leaves it out of the URL. */
  print: (value: T) => string | undefined
}

// A schema mixes parameters of any type; `Values` keeps each one's own.
type Schema = Record<string, Param<any>>
type Values<S> = { [K in keyof S]: S[K] extends Param<infer T> ? T : never }

export const text = (byDefault = ''): Param<string> => ({
  parse: (t) => t ?? byDefault,
  print: (v) => (v === byDefault ? undefined : v),
})

export const oneOf = <const T extends string>(all: readonly T[], byDefault: T): Param<T> => ({
  parse: (t) => all.find((one) => one === t) ?? byDefault,
  print: (v) => (v === byDefault ? undefined : v),
})

export const flag: Param<boolean> = {
  parse: (t) => t === 'true' || t === '1',
  print: (v) => (v ? 'true' : undefined),
}

export const list: Param<string[]> = {
  parse: (t) => (t ? t.split(',') : []),
  print: (v) => (v.length ? v.join(',') : undefined),
}

/** The parsed search parameters of the page and a setter that replaces the entry in history. */
export const useSearchParams = <S extends Schema>(schema: S) => {
  const router = useRouter()
  const raw = useRouterState({ select: (s) => s.location.searchStr })
  const values = useMemo(() => {
    const query = new URLSearchParams(raw)
    const entries = Object.entries(schema).map(([key, p]) => [key, p.parse(query.get(key) ?? undefined)])
    return Object.fromEntries(entries) as Values<S>
  }, [raw, schema])
  const set = useCallback(
    (change: Partial<Values<S>>) => {
      const { pathname, searchStr, hash } = router.state.location
      const query = new URLSearchParams(searchStr)
      for (const [key, value] of Object.entries(change)) {
        const printed = (schema[key] as Param<unknown>).print(value)
        if (printed === undefined) query.delete(key)
        else query.set(key, printed)
      }
      const text = query.toString()
      router.history.replace(pathname + (text ? `?${text}` : '') + (hash ? `#${hash}` : ''))
    },
    [router, schema],
  )
  return [values, set] as const
}

/** Flat strings both ways: what the address bar shows is what a person would type. */
export const parseSearch = (search: string): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(search))

export const stringifySearch = (search: Record<string, unknown>): string => {
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(search)) {
    if (value !== undefined && value !== null && value !== '') query.set(key, String(value))
  }
  const text = query.toString()
  return text ? `?${text}` : ''
}
