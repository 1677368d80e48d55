import { describe, expect, it } from 'vitest'
import { flag, list, oneOf, parseSearch, stringifySearch, text } from './search'

describe('search', () => {
  it('reads what it prints', () => {
    const tab = oneOf(['all', 'modified'], 'all')
    expect(tab.parse('modified')).toBe('modified')
    expect(tab.parse('nonsense')).toBe('all')
    expect(tab.print('all')).toBeUndefined()
    expect(flag.parse(flag.print(true))).toBe(true)
    expect(list.parse(list.print(['a', 'b']))).toEqual(['a', 'b'])
    expect(text('x').parse(undefined)).toBe('x')
  })
  it('keeps strings as they are typed', () => {
    expect(parseSearch('?q=true&n=5')).toEqual({ q: 'true', n: '5' })
    expect(stringifySearch({ q: 'a b', n: undefined })).toBe('?q=a+b')
  })
})
