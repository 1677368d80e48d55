import { describe, expect, it } from 'vitest'
import {
  durationComplaint,
  durationDays,
  durationWords,
  keyKind,
  keyState,
  policyBody,
  policyComplaints,
  policyFlags,
  policyForm,
  policySentence,
  sharesText,
  vaultNameComplaint,
  versionOf,
  withoutVersion,
  wrappedBy,
} from './model'

describe('keys', () => {
  it('says whether a version may be used', () => {
    const now = Date.parse('2030-01-01T00:00:00Z')
    const at = (days: number) => new Date(now + days * 86_400_000).toISOString()
    expect(keyState({ enabled: true }, now)).toBe('usable')
    expect(keyState({ enabled: false, expires_at: at(-1) }, now)).toBe('disabled')
    expect(keyState({ enabled: true, not_before: at(1) }, now)).toBe('not-yet')
    expect(keyState({ enabled: true, expires_at: at(0) }, now)).toBe('expired')
    expect(keyState({ enabled: true, expires_at: at(1) }, now)).toBe('expires-soon')
    expect(keyState({ enabled: true, expires_at: at(31) }, now)).toBe('usable')
    expect(keyKind({ kty: 'RSA', key_size: 2048 })).toBe('RSA 2048')
    expect(keyKind({ kty: 'EC', curve: 'P-384' })).toBe('EC P-384')
    expect(versionOf({ kid: 'https://pay.vault.localhost:8200/keys/tde/0123' })).toBe('0123')
    expect(versionOf({ kid: 'https://pay.vault.localhost:8200/keys/tde' })).toBe('')
  })

  it('knows which servers a version wraps', () => {
    const kid = 'https://pay.vault.localhost:8200/keys/tde'
    const at = (name: string, key_uri: string, key_version: string) => ({ name, data_encryption: { key_uri, key_version } })
    const servers = [at('a', kid, '01'), at('b', `${kid}/01`, '01'), at('c', kid, '02'), at('d', 'pgkeep-vault:/x', '01'), { name: 'e' }]
    expect(wrappedBy(servers, { kid: `${kid}/01` })).toEqual(['a', 'b'])
    expect(wrappedBy(servers, { kid: `${kid}/03` })).toEqual([])
    expect(withoutVersion(`${kid}/01`)).toBe(kid)
    expect(withoutVersion(kid)).toBe(kid)
  })

  it('checks names as the vault does', () => {
    for (const good of ['pay', 'a-b-c', 'Pay1']) expect(vaultNameComplaint(good)).toBeUndefined()
    for (const bad of ['', 'ab', '1ab', 'ab-', 'a--b', 'x'.repeat(25), 'pay.x'])
      expect(vaultNameComplaint(bad), bad).toBeDefined()
  })
})

describe('rotation policies', () => {
  it('understands durations', () => {
    expect(durationDays('P90D')).toBe(90)
    expect(durationDays('p1y6m')).toBe(545)
    expect(durationDays('P')).toBeUndefined()
    expect(durationDays('90')).toBeUndefined()
    expect(durationWords('P1Y')).toBe('1 year')
    expect(durationWords('P1Y6M')).toBe('1 year 6 months')
    expect(durationComplaint('P6D')).toMatch(/seven/)
    expect(durationComplaint('P7D')).toBeUndefined()
  })

  it('comes back as it was written', () => {
    const form = {
      rotate: 'before' as const,
      rotateTime: 'P30D',
      notifyBefore: 'P60D',
      expiresIn: 'P1Y',
    }
    expect(policyForm(policyBody(form))).toEqual(form)
    expect(policyFlags(form)).toBe('--rotate-before P30D --notify-before P60D --expires-in P1Y')
    expect(policySentence(form)).toBe(
      'Rotates 30 days before a version expires. A version made by rotation is valid for 1 year.',
    )
    expect(policyComplaints({ ...form, expiresIn: '' }).expiresIn).toMatch(/how long/)
    expect(policyForm({}).rotate).toBe('never')
    expect(policyBody(policyForm({})).rotate_after_create).toBeNull()
  })
})

it('counts shares', () => {
  expect(sharesText({ given: 2, needed: 3 })).toBe('2 of 3 entered')
  expect(sharesText(null)).toBe('')
})
