import { expect, it } from 'vitest'
import {
  assignmentWords, assignmentsComplaint, matrix, passwordComplaint, roleFlags, sameAssignments, subjectOf, userNameComplaint,
} from './model'

const owner = { role: 'owner', scope: '/' }
const reader = { role: 'reader', scope: '/servers/demo' }

it('says roles in words and as flags', () => {
  expect(assignmentWords(owner)).toBe('owner')
  expect(assignmentWords(reader)).toBe('reader on server demo')
  expect(assignmentWords({ role: 'key-officer', scope: '/keyvaults/pay' })).toBe('key-officer on key vault pay')
  expect(roleFlags([owner, reader])).toBe('--role owner --role reader@/servers/demo')
})

it('compares roles without their order', () => {
  expect(sameAssignments([owner, reader], [reader, owner])).toBe(true)
  expect(sameAssignments([owner], [reader])).toBe(false)
  expect(assignmentsComplaint([owner, owner])).toMatch(/twice/)
  expect(assignmentsComplaint([owner, reader])).toBeUndefined()
})

it('makes a matrix of operations and roles', () => {
  const rows = matrix([
    { name: 'owner', description: '', operations: ['server_list', 'user_create'] },
    { name: 'reader', description: '', operations: ['server_list'] },
  ])
  expect(rows.map(({ id }) => id)).toEqual(['server_list', 'user_create'])
  expect([...(rows[0]?.allowed ?? [])]).toEqual(['owner', 'reader'])
  expect(subjectOf('keyvault_create')).toBe('Key vaults')
  expect(subjectOf('key_rotate')).toBe('Key vaults')
  expect(subjectOf('something_else')).toBe('Everything else')
})

it('checks names and passwords before they are sent', () => {
  expect(userNameComplaint('anna.b')).toBeUndefined()
  for (const bad of ['', '.a', 'a b', 'Anna', '1a', 'a@b', 'x'.repeat(65)]) expect(userNameComplaint(bad), bad).toBeDefined()
  expect(passwordComplaint('', '')).toEqual({})
  expect(passwordComplaint('short', '').password).toMatch(/12/)
  expect(passwordComplaint('correct horse battery', 'correct').again).toMatch(/differ/)
})
