// Days, names, questions.
import { describe, expect, it } from 'vitest'
import { counting, daysOf } from './model'

describe('days that are typed', () => {
  it.each([['', null], [' 90 ', 90], ['1', 1], ['36500', 36500], ['0', undefined], ['36501', undefined], ['-1', undefined], ['1.5', undefined], ['many', undefined]])(
    '“%s” are %s', (text, days) => expect(daysOf(text)).toBe(days),
  )
})

it('asks how many rows', () => {
  expect(counting('Shop_CL', 'N < 3')).toBe('Shop_CL\n| where N < 3\n| count')
  expect(counting('odd "name"', 'true')).toBe('["odd \\"name\\""]\n| where true\n| count')
})
