const before = (hours) => new Date(Date.now() - hours * 3_600_000).toISOString()
const later = (days) => new Date(Date.now() + days * 86_400_000).toISOString()

const users = [
  { name: 'anna', enabled: true, assignments: [{ role: 'owner', scope: '/' }], created_at: before(900), password_set_at: before(200), signed_in_at: before(0.2) },
  { name: 'ben', enabled: true, assignments: [{ role: 'key-officer', scope: '/keyvaults/hospital' }, { role: 'reader', scope: '/' }], created_at: before(300), password_set_at: before(300), signed_in_at: before(26) },
  { name: 'carla', enabled: false, assignments: [{ role: 'auditor', scope: '/' }], created_at: before(800), password_set_at: null, signed_in_at: null },
]
const tokens = [
  { id: 'k3v9q2', name: 'monitoring', assignments: [{ role: 'reader', scope: '/' }], made_by: 'anna', created_at: before(90), expires_at: later(86), used_at: before(0.1) },
  { id: 'p8d1xz', name: 'nightly rotation', assignments: [{ role: 'key-officer', scope: '/keyvaults/hospital' }], made_by: 'ben', created_at: before(700), expires_at: before(2), used_at: before(20) },
]
const reads = ['home_show', 'server_list', 'server_show', 'keyvault_list', 'about_show', 'status_show', 'job_list']
const keys = ['key_list', 'key_create', 'key_rotate', 'key_delete', 'role_assignment_create', 'identity_create', 'vault_seal', 'vault_unseal']
const secure = ['networking_set', 'networking_show', 'parameter_list', 'certificate_rotate', 'encryption_check']
const audits = ['keyvault_audit', 'activity_list', 'user_list', 'token_list', 'networking_show', 'parameter_list']
const everything = [...new Set([...reads, ...keys, ...secure, ...audits, 'user_create', 'user_delete', 'token_create', 'server_create', 'server_delete', 'parameter_set', 'sign_in_settings_set'])]
const roles = [
  { name: 'owner', description: 'Everything, also who else gets in.', operations: everything },
  { name: 'security-admin', description: 'Changes how servers are protected: networking, TLS, certificates; checks encryption. Reads everything except who gets in.', operations: [...reads, ...secure, 'keyvault_audit', 'activity_list'] },
  { name: 'security-reader', description: 'Reads everything, also the activity and the audit of key vaults. Changes nothing.', operations: [...reads, ...audits] },
  { name: 'data-steward', description: 'Reads servers. What is in them comes with the data map.', operations: reads },
  { name: 'auditor', description: 'Reads everything, also the activity and the audit of key vaults. Changes nothing.', operations: [...reads, ...audits] },
  { name: 'key-officer', description: 'Manages key vaults, keys, their roles and identities, and which key a server uses. Seals and unseals the vault.', operations: [...reads, ...keys, 'keyvault_audit'] },
  { name: 'reader', description: 'Sees names and states. No connection strings, no settings, no keys.', operations: ['home_show', 'server_list', 'keyvault_list'] },
]
const signIn = { session_idle_minutes: 60, session_minutes: 720, lock_after: 5, lock_max_seconds: 900,
  oidc: { label: 'Example SSO', issuer: 'https://id.example.org/realms/main', client_id: 'pgkeep', has_client_secret: true, groups_claim: 'groups', scopes: ['profile', 'email'], ca_pem: null,
    groups: [{ group: 'dba', role: 'owner', scope: '/' }, { group: 'audit', role: 'auditor', scope: '/' }, { group: 'clinic-keys', role: 'key-officer', scope: '/keyvaults/hospital' }] } }
const whats = [['key_update', '/keyvaults/hospital/keys/clinic-cmk', 200], ['parameter_set', '/servers/demo/parameters/work_mem', 200], ['user_create', '/users', 403], ['session_create', '/session', 401], ['server_restart', '/servers/demo', 202]]
const acts = Array.from({ length: 180 }, (_, i) => {
  const [operation, target, status] = whats[i % 5]
  return { id: 180 - i, at: before(i * 0.7), principal: status === 401 ? '' : i % 5 === 2 ? 'ben' : 'anna', kind: status === 401 ? null : 'user', operation, target, status, request_id: `req-${1000 - i}` }
})

export const routes = ({ fault, ok, list, context }) => {
  const find = (name) => users.find((one) => one.name === name)
  return [
    ['GET', '/users', () => list(users)],
    ['POST', '/users', ({ body }) => {
      if (find(body.name)) return fault(409, 'conflict', `there is a user "${body.name}" already`, { hint: 'take another name' })
      const { password, ...user } = body
      users.push({ ...user, enabled: true, created_at: context.now(), password_set_at: password ? context.now() : null, signed_in_at: null })
      return { status: 201, body: users.at(-1) }
    }],
    ['PATCH', '/users/{name}', ({ params, body }) => ok(Object.assign(find(params.name), body))],
    ['DELETE', '/users/{name}', ({ params }) => { users.splice(users.indexOf(find(params.name)), 1); return { status: 204 } }],
    ['POST', '/users/{name}/password', ({ params, body }) => {
      if (/password/i.test(body.password)) return fault(422, 'weak_password', 'the password is easy to guess', { hint: 'take several words that do not belong together' })
      return ok(Object.assign(find(params.name), { password_set_at: context.now() }))
    }],
    ['PUT', '/users/{name}/roles', ({ params, body }) => ok(Object.assign(find(params.name), body))],
    ['GET', '/roles', () => list(roles)],
    ['GET', '/tokens', () => list(tokens)],
    ['POST', '/tokens', ({ body }) => {
      tokens.unshift({ id: `t${tokens.length}n4mq`, ...body, made_by: 'anna', created_at: context.now(), used_at: null })
      return { status: 201, body: { ...tokens[0], token: `pgk_${tokens[0].id}_not-a-real-token-only-for-looking-at` } }
    }],
    ['DELETE', '/tokens/{id}', ({ params }) => { tokens.splice(tokens.findIndex((one) => one.id === params.id), 1); return { status: 204 } }],
    ['GET', '/activity', ({ query }) => {
      const at = Number(query.get('after') ?? 0)
      const fits = acts.filter((one) => (!query.get('principal') || one.principal === query.get('principal')) && (!query.get('operation') || one.operation === query.get('operation')))
      return ok({ items: fits.slice(at, at + 100), next: at + 100 < fits.length ? String(at + 100) : null })
    }],
    ['GET', '/settings/sign-in', () => ok(signIn, '"1"')],
    ['PUT', '/settings/sign-in', ({ body }) => (body.oidc?.issuer.includes('nowhere')
      ? fault(400, 'oidc', 'the provider does not answer', { detail: 'https://nowhere/.well-known/openid-configuration: no such host', hint: 'check the issuer, or the certificates to trust' })
      : ok(Object.assign(signIn, body)))],
    ['GET', '/about', () => ok({ product: 'pgkeep', version: '0.4.0', api_version: '1', home: '/var/lib/pgkeep', url: 'https://localhost:8443/', portal: true, started_at: before(30), postgres: ['15.20', '16.11'], licence: 'Apache-2.0' })],
    ['GET', '/ca', () => ok({ pem: `-----BEGIN CERTIFICATE-----\n${'MIIBmTCCAT+gAwIBAgIUZ0c3l0bW9ja2VkY2VydGlmaWNhdGVmb3JwYWdlcwo=\n'.repeat(5)}-----END CERTIFICATE-----\n`, fingerprint: '4f1c09ab22d17be0c1b2a97f0e5d3384be11a7c99d21ef6b8a2c51e0d94a7733', file: '/var/lib/pgkeep/ca.pem' })],
  ]
}
