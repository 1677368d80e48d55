import { describe, expect, it } from 'vitest'
import {
  allowed,
  complaint,
  display,
  effectOf,
  humanise,
  isIn,
  matches,
  type Parameter,
} from './model'

const base: Parameter = {
  name: 'shared_buffers',
  value: '16384',
  unit: '8kB',
  data_type: 'integer',
  default: '16384',
  min: '16',
  max: '1073741823',
  allowed_values: [],
  dynamic: false,
  read_only: false,
  pending_restart: false,
  source: 'default',
  category: 'Resource Usage / Memory',
  description: 'Sets the number of shared memory buffers used by the server.',
}

describe('values in units', () => {
  it('says what a number means', () => {
    expect(humanise('16384', '8kB')).toBe('128 MB')
    expect(humanise('300', 's')).toBe('5 min')
    expect(humanise('1', '8kB')).toBe('8 kB')
    expect(humanise('0', 'ms')).toBeUndefined()
    expect(humanise('-1', 'kB')).toBeUndefined()
    expect(humanise('on', null)).toBeUndefined()
    expect(display('', null)).toBe('(empty)')
    expect(display('-1', 'kB')).toBe('-1')
    expect(display('0', 'ms')).toBe('0')
    expect(display('1000', '8kB')).toBe('8,000 kB')
    expect(humanise('1073741823', '8kB', true)).toBe('8 TB')
  })

  it('accepts what PostgreSQL accepts and names what it does not', () => {
    expect(complaint(base, '256MB')).toBeUndefined()
    expect(complaint(base, ' 16 ')).toBeUndefined()
    expect(complaint(base, '0x40')).toBeUndefined()
    expect(complaint(base, '15')).toMatch(/within/)
    expect(complaint(base, '64kB')).toMatch(/within/)
    expect(complaint(base, '1mb')).toMatch(/Units/)
    expect(complaint(base, '5min')).toMatch(/Units/)
    expect(complaint(base, 'much')).toBe('Enter a number.')
    expect(complaint({ ...base, unit: null }, '5MB')).toMatch(/no unit/)
  })

  it('checks words and lines', () => {
    const word = { ...base, data_type: 'enum', allowed_values: ['minimal', 'replica'] }
    expect(complaint(word, 'Replica')).toBeUndefined()
    expect(complaint(word, 'much')).toMatch(/minimal, replica/)
    expect(complaint({ ...base, data_type: 'bool' }, 'perhaps')).toMatch(/on or off/)
    const text = { ...base, data_type: 'string' }
    expect(complaint(text, '')).toBeUndefined()
    expect(complaint(text, 'a\nb')).toMatch(/one line/)
    expect(complaint(text, 'ü'.repeat(4097))).toMatch(/8,192/)
    expect(allowed({ ...text, min: null, max: null })).toBe('any text')
    expect(allowed({ ...base, max: '32' })).toBe('16 (128 kB) to 32 (256 kB)')
  })
})

describe('tabs', () => {
  it('sorts parameters', () => {
    expect(isIn('restart', base)).toBe(true)
    expect(isIn('modified', base)).toBe(false)
    expect(isIn('modified', { ...base, value: '1', source: 'configuration file' })).toBe(true)
    expect(isIn('modified', { ...base, pending_restart: true })).toBe(true)
    expect(isIn('read-only', { ...base, read_only: true })).toBe(true)
    expect(isIn('restart', { ...base, read_only: true })).toBe(false)
    const ssl = { ...base, category: 'Connections and Authentication / SSL' }
    expect(isIn('security', ssl)).toBe(true)
    expect(isIn('security', base)).toBe(false)
  })

  it('says when a change takes effect', () => {
    expect(effectOf(base)).toBe('restart')
    expect(effectOf({ ...base, dynamic: true })).toBe('reload')
    expect(effectOf({ ...base, dynamic: true, effect: 'immediate' })).toBe('at-once')
    expect(effectOf({ ...base, dynamic: true, effect: 'new_sessions' })).toBe('new-sessions')
    expect(effectOf({ ...base, read_only: true })).toBe('never')
  })

  it('finds by all words', () => {
    expect(matches(base, 'MEMORY buffers')).toBe(true)
    expect(matches(base, 'memory tls')).toBe(false)
    expect(matches(base, '  ')).toBe(true)
  })
})
