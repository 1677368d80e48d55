import { expect, it } from 'vitest'
import { nameComplaint, rulesBody, rulesComplaints, rulesFlags, rulesOf, rulesSentence } from './model'

it('reads and writes rules', () => {
  const rules = rulesOf({ uids: [110, 1000], units: ['shop.service'] })
  expect(rulesBody(rules)).toEqual({ uids: [110, 1000], units: ['shop.service'] })
  expect(rulesFlags(rules)).toBe('--uid 110 --uid 1000 --unit shop.service')
  expect(rulesComplaints(rules)).toEqual({})
  expect(rulesOf({ uids: [], units: [] }).kind).toBe('none')
  expect(rulesBody({ ...rules, kind: 'servers' })).toEqual({ servers: true })
  expect(rulesFlags({ ...rules, kind: 'none' })).toBe('--no-process')
})

it('says what is wrong', () => {
  const rules = { kind: 'processes' as const, uids: '', units: '' }
  expect(rulesComplaints(rules).uids).toMatch(/Name an OS user/)
  expect(rulesComplaints({ ...rules, uids: 'root' }).uids).toMatch(/root/)
  expect(rulesComplaints({ ...rules, uids: '4294967295' }).uids).toBeDefined()
  expect(rulesComplaints({ ...rules, units: 'a/b' }).units).toMatch(/a\/b/)
  expect(rulesComplaints({ ...rules, kind: 'none' })).toEqual({})
  expect(nameComplaint('app')).toBeUndefined()
  for (const bad of ['', 'ab', '-app', 'a b c']) expect(nameComplaint(bad), bad).toBeDefined()
})

it('reads as a sentence', () => {
  expect(rulesSentence({ uids: [110], units: [] })).toBe('Processes of OS user 110')
  expect(rulesSentence({ uids: [110], units: ['a.service'] })).toBe('Processes of OS user 110, in unit a.service')
  expect(rulesSentence({ uids: [], units: [] })).toMatch(/secret/)
})
