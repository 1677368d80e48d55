// A value that components share outside React's tree.
import { useSyncExternalStore } from 'react'

export interface Store<T> {
  get: () => T
  set: (next: T | ((now: T) => T)) => void
  use: () => T
}

export const store = <T>(first: T): Store<T> => {
  let value = first
  const listeners = new Set<() => void>()
  const subscribe = (listener: () => void) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }
  const get = () => value
  return {
    get,
    set: (next) => {
      const to = typeof next === 'function' ? (next as (now: T) => T)(value) : next
      if (Object.is(to, value)) return
      value = to
      for (const listener of listeners) listener()
    },
    use: () => useSyncExternalStore(subscribe, get),
  }
}
