const before = (hours) => new Date(Date.now() - hours * 3_600_000).toISOString()
const later = (days) => new Date(Date.now() + days * 86_400_000).toISOString()
const id = (seed) => Array.from({ length: 32 }, (_, i) => ((i * 7 + seed * 13 + ((i * i) % 11)) & 15).toString(16)).join('')
const base = (vault) => `https://${vault}.vault.localhost:8201/`

const seal = { state: 'unsealed', reason: null, seal: 'file', shares: null, key: { name: 'servers', version: '1', kty: 'RSA-3072' },
  warnings: [], https: { listening: true, port: 8201, url: 'https://vault.localhost:8201', reason: null }, identity: { listening: true, endpoint: 'http://127.0.0.1:8202', reason: null } }
if (process.env.MOCK_SHARES) Object.assign(seal, { state: 'sealed', seal: 'shares', shares: { given: 2, needed: 3 }, key: null })

const vaults = [
  { name: 'hospital', uri: base('hospital'), ca_file: '/var/lib/pgkeep/ca.pem', retention_days: 90, purge_protection: true, created_at: before(24 * 90) },
  { name: 'pay', uri: base('pay'), ca_file: '/var/lib/pgkeep/ca.pem', retention_days: 30, purge_protection: false, created_at: before(24 * 12) },
]
const key = (vault, name, seed, more = {}) => ({ name, kid: `${base(vault)}keys/${name}/${id(seed)}`, version: id(seed), kty: 'RSA', key_size: 3072, curve: null,
  operations: ['wrapKey', 'unwrapKey', 'encrypt', 'decrypt', 'sign', 'verify'], enabled: true, not_before: null, expires_at: null, created_at: before(24 * seed), updated_at: before(seed),
  recovery_level: 'Recoverable+Purgeable', tags: {}, managed: false, used_by: [], ...more })
const keys = {
  hospital: [key('hospital', 'clinic-cmk', 9, { enabled: false, used_by: ['clinic'], tags: { owner: 'security' } }), key('hospital', 'archive-cmk', 4, { expires_at: later(21) })],
  pay: [key('pay', 'tde', 3, { used_by: ['demo'], expires_at: later(420) }), key('pay', 'sign', 2, { kty: 'EC', key_size: null, curve: 'P-256', operations: ['sign', 'verify'] })],
}
const older = { 'clinic-cmk': [key('hospital', 'clinic-cmk', 60, { managed: true }), key('hospital', 'clinic-cmk', 150)] }
const deleted = { hospital: [{ name: 'old-cmk', kid: `${base('hospital')}keys/old-cmk/${id(8)}`, deleted_at: before(24 * 8), purge_at: later(82), recovery_level: 'Recoverable' }], pay: [] }
const role = (vault, k, name, assignee, seed) => ({ id: `3b0f8f3e-5d59-4c2c-8d0c-0d3a7f3f${9000 + seed}`, vault, key: k, role: name, role_id: 'e147488a-f6f5-4113-8e2d-b22465e65bf6', assignee, object_id: id(seed), created_at: before(24 * seed) })
const roles = { hospital: [role('hospital', 'clinic-cmk', 'Key Vault Crypto Service Encryption User', 'clinic-server', 9), role('hospital', null, 'Key Vault Crypto Officer', 'ci', 4)], pay: [] }
const policies = { 'clinic-cmk': { rotate_after_create: 'P90D', rotate_before_expiry: null, notify_before_expiry: 'P30D', expires_after: 'P1Y', updated_at: before(400) } }
const ops = ['KeyUnwrap', 'KeyGet', 'KeyUpdate', 'KeyUnwrap', 'KeyUnwrap', 'KeyRotate', 'KeyList']
const audit = Array.from({ length: 240 }, (_, i) => ({ seq: 240 - i, at: before(i * 0.4), operation: ops[i % 7], principal: i % 7 === 2 ? 'plane' : 'clinic-server', acting: i % 7 === 2 ? 'anna' : null,
  object: `${base('hospital')}keys/clinic-cmk/${id(9)}`, status: i < 3 ? 403 : 200, success: i >= 3, description: i < 3 ? 'the key is disabled' : '', caller_address: 'unix:110', correlation_id: id(i), duration_ms: 2 + (i % 9), hash: id(i) + id(i + 1) }))
const identities = [
  { name: 'clinic-server', client_id: '6f0d7c1e-4d22-41f3-85b8-e7d604120000', object_id: '0b6a7e12-77aa-4a1c-9a53-0c1d6a6f1a01', tenant_id: '9d0f6f0d-7c1e-4d22-a1f3-c5b8e7d60412', resource_id: '/subscriptions/pgkeep/resourceGroups/local/providers/Microsoft.ManagedIdentity/userAssignedIdentities/clinic-server', enabled: true, uids: [110], units: [], created_at: before(24 * 30) },
  { name: 'ci', client_id: '7a1d7c1e-4d22-41f3-85b8-e7d604120001', object_id: '1c6a7e12-77aa-4a1c-9a53-0c1d6a6f1a02', tenant_id: '9d0f6f0d-7c1e-4d22-a1f3-c5b8e7d60412', resource_id: '/subscriptions/pgkeep/resourceGroups/local/providers/Microsoft.ManagedIdentity/userAssignedIdentities/ci', enabled: false, uids: [], units: ['gitlab-runner.service'], created_at: before(24 * 3) },
]

export const routes = ({ fault, ok, list, context }) => {
  const find = (v, k) => keys[v]?.find((one) => one.name === k)
  const none = (k) => fault(404, 'KeyNotFound', `A key with name "${k}" was not found in this key vault.`, { hint: 'pgkeep keyvault key list, or list-deleted' })
  const etag = (one) => `"${one.updated_at}"`
  const withKey = (act) => ({ params, body }) => (find(params.v, params.k) ? act(find(params.v, params.k), params, body) : none(params.k))
  const person = (name) => identities.find((one) => one.name === name)
  return [
    ['GET', '/vault', () => ok(seal)],
    ['POST', '/vault/seal', () => ok(Object.assign(seal, { state: 'sealed', reason: 'sealed by anna' }))],
    ['POST', '/vault/unseal', ({ body }) => {
      if (body.share === 'x') return fault(400, 'bad_share', 'this is no share of this vault', { hint: 'copy it whole, with its number in front' })
      if (body.forget_shares) seal.shares.given = 0
      else if (seal.shares && ++seal.shares.given < seal.shares.needed) return ok(seal)
      else Object.assign(seal, { state: 'unsealed', reason: null, shares: null })
      return ok(seal)
    }],
    ['GET', '/keyvaults', () => (seal.state === 'sealed' ? fault(503, 'vault_sealed', 'the vault is sealed', { hint: 'pgkeep vault unseal', exit: 8 }) : list(vaults))],
    ['POST', '/keyvaults', ({ body }) => {
      if (vaults.some((v) => v.name === body.name)) return fault(409, 'conflict', `there is a key vault "${body.name}" already`, { hint: 'take another name' })
      const made = { ...body, uri: base(body.name), ca_file: '/var/lib/pgkeep/ca.pem', created_at: context.now() }
      vaults.push(made)
      Object.assign(keys, { [body.name]: [] })
      return { status: 201, body: made }
    }],
    ['GET', '/keyvaults/{v}', ({ params }) => ok(vaults.find((v) => v.name === params.v))],
    ['PATCH', '/keyvaults/{v}', ({ params, body }) => ok(Object.assign(vaults.find((v) => v.name === params.v), body))],
    ['GET', '/keyvaults/{v}/keys', ({ params }) => list(keys[params.v] ?? [])],
    ['POST', '/keyvaults/{v}/keys', ({ params, body }) => {
      const made = key(params.v, body.name, 1, { ...body, operations: ['sign', 'verify'] })
      keys[params.v].push(made)
      return { status: 201, body: made }
    }],
    ['GET', '/keyvaults/{v}/keys/{k}', withKey((one) => ok(one, etag(one)))],
    ['PATCH', '/keyvaults/{v}/keys/{k}', withKey((one, _, body) => ok(Object.assign(one, body, { version: one.version, updated_at: context.now() })))],
    ['DELETE', '/keyvaults/{v}/keys/{k}', withKey((one, { v, k }) => {
      keys[v] = keys[v].filter((other) => other !== one)
      ;(deleted[v] ??= []).push({ name: k, kid: one.kid, deleted_at: context.now(), purge_at: later(90), recovery_level: 'Recoverable' })
      return ok(deleted[v].at(-1))
    })],
    ['GET', '/keyvaults/{v}/keys/{k}/versions', withKey((one, { k }) => list([one, ...(older[k] ?? [])]))],
    ['POST', '/keyvaults/{v}/keys/{k}/rotate', withKey((one, { k }) => {
      ;(older[k] ??= []).unshift({ ...one })
      return ok(Object.assign(one, { version: id(older[k].length + 40), created_at: context.now(), kid: one.kid.replace(/[^/]+$/, id(older[k].length + 40)) }))
    })],
    ['GET', '/keyvaults/{v}/keys/{k}/rotation-policy', ({ params }) => ok(policies[params.k] ?? { notify_before_expiry: 'P30D' }, '"1"')],
    ['PUT', '/keyvaults/{v}/keys/{k}/rotation-policy', ({ params, body }) => ok((policies[params.k] = { ...body, updated_at: context.now() }))],
    ['GET', '/keyvaults/{v}/deleted-keys', ({ params }) => list(deleted[params.v] ?? [])],
    ['POST', '/keyvaults/{v}/deleted-keys/{k}/recover', ({ params }) => {
      deleted[params.v] = deleted[params.v].filter((one) => one.name !== params.k)
      keys[params.v].push(key(params.v, params.k, 8))
      return ok(keys[params.v].at(-1))
    }],
    ['DELETE', '/keyvaults/{v}/deleted-keys/{k}', ({ params }) => {
      deleted[params.v] = deleted[params.v].filter((one) => one.name !== params.k)
      return { status: 204 }
    }],
    ['GET', '/keyvaults/{v}/role-assignments', ({ params }) => list(roles[params.v] ?? [])],
    ['POST', '/keyvaults/{v}/role-assignments', ({ params, body }) => {
      if (!person(body.assignee)) return fault(404, 'not_found', `there is no identity "${body.assignee}"`, { hint: 'pgkeep identity list' })
      ;(roles[params.v] ??= []).push(role(params.v, body.key ?? null, body.role, body.assignee, 1))
      return ok(roles[params.v].at(-1))
    }],
    ['DELETE', '/keyvaults/{v}/role-assignments/{id}', ({ params }) => {
      roles[params.v] = roles[params.v].filter((one) => one.id !== params.id)
      return { status: 204 }
    }],
    ['GET', '/keyvaults/{v}/audit', ({ query }) => {
      const at = Number(query.get('after') ?? 0)
      return ok({ items: audit.slice(at, at + 100), next: at + 100 < audit.length ? String(at + 100) : null })
    }],
    ['GET', '/identities', () => list(identities)],
    ['POST', '/identities', ({ body }) => {
      if (person(body.name)) return fault(409, 'conflict', `there is an identity "${body.name}" with other rules`, { hint: 'change the rules: pgkeep identity update' })
      identities.push({ ...identities[0], ...body, uids: body.uids ?? [], units: body.units ?? [], enabled: true, created_at: context.now() })
      return ok(identities.at(-1))
    }],
    ['GET', '/identities/{i}', ({ params }) => (person(params.i) ? ok(person(params.i), '"1"') : fault(404, 'not_found', `there is no identity "${params.i}"`))],
    ['PATCH', '/identities/{i}', ({ params, body }) => ok(Object.assign(person(params.i), body))],
    ['DELETE', '/identities/{i}', ({ params }) => { identities.splice(identities.indexOf(person(params.i)), 1); return { status: 204 } }],
    ['POST', '/identities/{i}/env', ({ params }) => ok({ IDENTITY_ENDPOINT: 'http://127.0.0.1:8202/msi/token', IDENTITY_HEADER: id(7) + id(3), AZURE_CLIENT_ID: person(params.i).client_id })],
  ]
}
