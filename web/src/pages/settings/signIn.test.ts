import { expect, it } from 'vitest'
import { type SignInSettings, issuerComplaint, newProvider, signInBody, signInComplaints } from './signIn'

const settings: SignInSettings = {
  session_idle_minutes: 60, session_minutes: 720, lock_after: 5, lock_max_seconds: 900, oidc: null,
}

it('wants https, or this machine', () => {
  for (const good of ['https://id.example.org', 'https://id.example.org/x', 'http://localhost:8080'])
    expect(issuerComplaint(good), good).toBeUndefined()
  for (const bad of ['', 'id.example.org', 'http://id.example.org', 'https://a:b@id.example.org', 'https://id.example.org/?x=1'])
    expect(issuerComplaint(bad), bad).toBeDefined()
})

it('says beside which field something is wrong', () => {
  expect(signInComplaints(settings)).toEqual({})
  expect(Object.keys(signInComplaints({ ...settings, lock_after: 2, session_minutes: 1.5 }))).toEqual(['session_minutes', 'lock_after'])
  const oidc = { ...newProvider(), groups: [{ group: ' ', role: 'reader', scope: '/' }] }
  expect(Object.keys(signInComplaints({ ...settings, oidc })).sort()).toEqual(['client_id', 'groups', 'issuer'])
})

it('keeps the stored secret unless another one was typed', () => {
  const oidc = { ...newProvider(), issuer: ' https://id.example.org ', client_id: 'pgkeep', scopes: ['email', ''], has_client_secret: true }
  const body = signInBody({ ...settings, oidc })
  expect(body.oidc).not.toHaveProperty('client_secret')
  expect(body.oidc).not.toHaveProperty('has_client_secret')
  expect(body.oidc?.scopes).toEqual(['email'])
  expect(body.oidc?.issuer).toBe('https://id.example.org')
  expect(signInBody({ ...settings, oidc: { ...oidc, client_secret: 's3' } }).oidc?.client_secret).toBe('s3')
  expect(signInBody(settings).oidc).toBeNull()
})
