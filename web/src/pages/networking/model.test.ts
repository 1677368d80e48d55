import { expect, it } from 'vitest'
import {
  addressComplaint,
  asBlock,
  complaints,
  difference,
  isEverybody,
  listenComplaint,
  moved,
  newRule,
  ruleLine,
  ruleSentence,
} from './model'
import type { Networking } from './model'

it('knows addresses, blocks, names and words', () => {
  for (const good of [
    '192.0.2.7',
    '192.0.2.0/24',
    '0.0.0.0/0',
    '::',
    '::/0',
    '::1/128',
    '2001:db8::/32',
    'fe80:1:2:3:4:5:6:7',
    '::ffff:192.0.2.1',
    'all',
    'samehost',
    '10.0.0.0/8',
  ])
    expect(addressComplaint(good), good).toBeUndefined()
  for (const bad of [
    '',
    '192.0.2',
    '192.0.2.256',
    '192.0.02.1',
    '192.0.2.0/33',
    '192.0.2.0/',
    '1.2.3.4/8/8',
    '2001:db8::/129',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'a b',
    'host/24',
    'localhost',
    '192.0.2.7/24',
    '2001:db8::1/32',
    '1::2.3.4.5.6',
  ])
    expect(addressComplaint(bad), bad).toBeDefined()
  expect(asBlock(' 192.0.2.7 ')).toBe('192.0.2.7/32')
  expect(asBlock('::1')).toBe('::1/128')
  expect(asBlock('10.0.0.0/8')).toBe('10.0.0.0/8')
  expect(asBlock('all')).toBe('all')
  for (const good of ['*', 'localhost', '127.0.0.1', '::1'])
    expect(listenComplaint(good), good).toBeUndefined()
  for (const bad of ['', '10.0.0.0/8', 'a b']) expect(listenComplaint(bad), bad).toBeDefined()
})

it('says rules in words', () => {
  expect(ruleSentence(newRule('192.0.2.0/24'))).toBe(
    'Lets every role to every database from 192.0.2.0/24 over TLS with a password (SCRAM).',
  )
  expect(ruleSentence({ ...newRule('all'), type: 'hostnossl', method: 'reject' })).toBe(
    'Refuses every role to every database from anywhere without TLS.',
  )
  expect(ruleSentence({ ...newRule(''), type: 'local', role: 'postgres', method: 'peer' })).toBe(
    'Lets postgres to every database on this machine with the OS user of the process.',
  )
  expect(ruleLine(newRule('all'))).toBe('hostssl all all all scram-sha-256')
  expect(isEverybody(newRule('0.0.0.0/0'))).toBe(true)
  expect(isEverybody(newRule('10.0.0.0/10'))).toBe(false)
})

it('says beside which field something is wrong', () => {
  const rules = [
    newRule('192.0.2.0/24'),
    { ...newRule('192.0.2.300'), database: ' ', type: 'host' as const, method: 'cert' },
  ]
  expect([...complaints(rules).keys()].sort()).toEqual(['1.address', '1.database', '1.method'])
  expect(complaints([newRule('::1')]).size).toBe(0)
  expect(complaints([newRule('::1'), newRule('::1/128')]).get('1.address')).toMatch(/stands above/)
})

it('sends only what differs', () => {
  const now: Networking = {
    require_secure_transport: true,
    min_protocol_version: 'TLSv1.2',
    listen_addresses: ['localhost'],
    port: 5432,
    rules: [newRule('192.0.2.7/32')],
    effective_rules: [],
  }
  expect(difference(now, { ...now, rules: [newRule(' 192.0.2.7 ')] })).toBeUndefined()
  expect(difference({ ...now, rules: [newRule('192.0.2.7')] }, now)).toBeUndefined()
  expect(difference(now, { ...now, require_secure_transport: false })).toEqual({
    require_secure_transport: false,
  })
  expect(difference(now, { ...now, listen_addresses: ['*'], rules: [] })).toEqual({
    listen_addresses: ['*'],
    rules: [],
  })
})

it('keeps the order of rules', () => {
  expect(moved(['a', 'b', 'c'], 2, -1)).toEqual(['a', 'c', 'b'])
  expect(moved(['a', 'b'], 0, -1)).toEqual(['a', 'b'])
})
