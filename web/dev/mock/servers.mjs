const before = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString()
const later = (days) => new Date(Date.now() + days * 86_400_000).toISOString()

const server = (name, port, state, more = {}) => ({
  name, id: `srv-${name}`, state, state_reason: '', state_since: before(185), desired_state: 'Running', port,
  dsn: `postgresql://postgres@localhost:${port}/postgres?sslmode=verify-full&sslrootcert=%2Fvar%2Flib%2Fpgkeep%2Fca.pem`,
  major_version: 15, created_at: before(60 * 24 * 12),
  data_encryption: {
    mode: 'SystemManaged', key_uri: `pgkeep-vault:/servers/${name}`, key_version: '1', identity: `server/${name}`,
    last_validated_at: before(0.1),
  },
  storage: {
    engine: 'cryptfs/1', backing_dir: `/var/lib/pgkeep/servers/${name}/data`, mount_dir: `/var/lib/pgkeep/servers/${name}/mnt`,
    mounted: true, size_bytes: 512e9, free_bytes: 203e9, n_tampers: 0, tampers: [], last_recovery: null,
  },
  tls: {
    require_secure_transport: true, min_protocol_version: 'TLSv1.2', source: 'internal',
    fingerprint: '4f1c09ab22d17be0c1b2a97f0e5d3384be11a7c99d21ef6b8a2c51e0d94a7733', not_after: later(78), renew_at: later(48),
  },
  restarts: { n_restarts: 0, last_at: null, last_cause: null }, warnings: [], ...more,
})

const servers = [
  server('demo', 5432, 'Ready'),
  server('clinic', 5433, 'Inaccessible', {
    state_reason: 'AzureKeyVaultKeyDisabledByOwner: the key clinic-cmk in key vault hospital is disabled',
    state_since: before(14),
    data_encryption: {
      mode: 'CustomerManaged', key_uri: 'https://hospital.vault.localhost:8201/keys/clinic-cmk', key_version: '9b1f6f0d7c1e4d22a1f3c5b8e7d60412',
      identity: 'clinic-server', last_validated_at: before(15), health: 'lost', provider: 'azure', algorithm: 'RSA-OAEP-256', pinned: false, wrapped_at: before(60 * 24 * 3),
      key_expires_at: later(200), clock: 'vault', checked_at: before(0.1), next_check_at: later(0.0001), grace_until: null, rewrap: null,
      failure: { cause: 'disabled', http_status: 403, inner_code: 'KeyDisabled', message: 'the key clinic-cmk is disabled' },
      policy: { check_interval_s: 10, grace_s: 300, call_timeout_s: 5, leeway_s: 60 },
    },
  }),
  server('orders', 5435, 'Ready', {
    data_encryption: {
      mode: 'CustomerManaged', key_uri: 'https://hospital.vault.localhost:8201/keys/orders-cmk', key_version: '3c2a97f0e5d3384be11a7c99d21ef6b0',
      identity: 'shop-server', last_validated_at: before(0.1), health: 'usable', provider: 'azure', algorithm: 'RSA-OAEP-256', pinned: false,
      wrapped_at: before(60 * 24 * 9), key_expires_at: null, clock: 'vault', checked_at: before(0.1), next_check_at: later(0.0001), grace_until: null,
      rewrap: null, failure: null, policy: { check_interval_s: 10, grace_s: 300, call_timeout_s: 5, leeway_s: 60 },
    },
  }),
  server('archive', 5434, 'Stopped', { state_reason: 'stopped by anna', state_since: before(60 * 30) }),
]

const history = [
  ['Ready', 'TLS proved by connecting back', 14], ['Starting', 'start', 15], ['Stopped', 'stop by anna', 60 * 5],
  ['Stopping', 'stop by anna', 60 * 5 + 0.05], ['Ready', 'TLS proved by connecting back', 60 * 24],
  ['Restarting', 'shared_buffers changed', 60 * 24 + 0.1], ['Ready', 'created', 60 * 24 * 12], ['Provisioning', 'create', 60 * 24 * 12 + 0.3],
].map(([state, state_reason, minutes]) => ({ state, state_reason, state_since: before(minutes) }))

const ca = `-----BEGIN CERTIFICATE-----\n${'MIIBmTCCAT+gAwIBAgIUZ0c3l0bW9ja2VkY2VydGlmaWNhdGVmb3JwYWdlcwo='.repeat(6).replaceAll(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`
const hex = (n, seed) => Array.from({ length: n }, (_, i) => ((i * 197 + seed * 89 + ((i * i) % 251) * 31) & 255).toString(16).padStart(2, '0')).join('')

const inside = Buffer.concat([
  Buffer.from('00000000e8a1f60100000400' + '40002009' + '00200420' + '00000000' + 'd89f4400b09f4800889f4800', 'hex'),
  Buffer.alloc(60), Buffer.from('\x1fno real person\x13 1974-03-02 \x0bE11.9  type 2 diabetes'), Buffer.alloc(9),
  Buffer.from('\x1dJonas Weber\x13 1988-11-21 \x0bJ45.0  asthma'), Buffer.alloc(64),
]).subarray(0, 256).toString('hex')

export const routes = ({ context, fault, ok, list, job }) => {
  const find = (name) => servers.find((one) => one.name === name)
  const missing = (name) => fault(404, 'not_found', `there is no server "${name}"`, { hint: 'list them with `pgkeep server list`' })
  const to = (name, kind, state, steps) => {
    const one = find(name)
    if (!one) return missing(name)
    return job(kind, name, steps, () => Object.assign(one, { state, state_since: context.now(), state_reason: '' }))
  }
  return [
    ['GET', '/session', () => context.signedIn
      ? ok({ name: 'anna', kind: 'user', assignments: [{ role: 'owner', scope: '/' }], expires_at: later(0.4) })
      : fault(401, 'unauthenticated', 'not signed in')],
    ['POST', '/session', ({ body }) => {
      if (body.password === 'x') return fault(401, 'sign_in_refused', 'user name or password is wrong', { hint: 'after five tries the account is locked for a while' })
      context.signedIn = true
      return ok({ name: body.username, kind: 'user', assignments: [{ role: 'owner', scope: '/' }] })
    }],
    ['POST', '/session/link', () => { context.signedIn = true; return ok({ name: 'local', kind: 'local', assignments: [{ role: 'owner', scope: '/' }] }) }],
    ['DELETE', '/session', () => { context.signedIn = false; return { status: 204 } }],
    ['GET', '/sign-in', () => ok({ password: true, oidc: [{ title: 'Example SSO', start: '/api/v1/sign-in/oidc/start' }] })],
    ['GET', '/home', () => ok({
      tiles: [
        { id: 'encryption', title: 'Encryption at rest', verdict: 'good', summary: '3 of 3 servers are encrypted; the keys of 2 opened within the last minute', looked_at: before(0.2), rule: 'storage.engine of every server is cryptfs and no unit failed its code', link: '/servers' },
        { id: 'keys', title: 'Customer-managed keys', verdict: 'bad', summary: 'The key clinic-cmk is disabled: clinic is Inaccessible', looked_at: before(0.2), rule: "data_encryption.health of every server with an owner's key is usable", link: '/servers/clinic/encryption' },
        { id: 'tls', title: 'Encryption in transit', verdict: 'good', summary: 'Every running server refuses connections without TLS 1.2', looked_at: before(0.2), rule: 'tls.require_secure_transport is on and no certificate ends within 30 days', link: '/servers' },
        { id: 'seal', title: 'Vault', verdict: 'warning', summary: 'Unsealed; sealed by a key file on the same disk', looked_at: before(0.2), rule: 'the vault is unsealed, without warnings, and its seal is not the file seal', link: '/keyvaults' },
      ],
      attention: [
        { severity: 'critical', title: 'clinic is Inaccessible', detail: 'Its key clinic-cmk in key vault hospital was disabled 14 minutes ago. Enable it to bring the server back.', link: '/servers/clinic/encryption', cli: 'pgkeep keyvault key set-attributes --vault-name hospital -n clinic-cmk --enabled true' },
        { severity: 'warning', title: 'The key of the seal lies on the same disk', detail: 'Who copies the whole disk has the data.', link: '/keyvaults', cli: 'pgkeep vault rekey --seal passphrase' },
      ],
      actions: [
        { title: 'Connect to demo', why: 'It runs, with sample data: a clinic and a shop that do not exist.', link: '/servers/demo/connect', cli: 'pgkeep server show-connection-string -s demo' },
        { title: 'Hold the key yourself', why: 'With a customer-managed key you can lock a server from outside at any time.', link: '/servers/demo/encryption', cli: 'pgkeep keyvault create -n myvault' },
        { title: 'Add the people who need to get in', why: 'Only the one-time link signs in now.', link: '/settings/users', cli: null },
      ],
    })],
    ['GET', '/jobs', () => list(context.jobs)],
    ['GET', '/jobs/{id}', ({ params }) => ok(context.jobs.find((one) => one.id === params.id))],
    ['GET', '/servers', () => list(servers)],
    ['POST', '/servers', ({ body }) => {
      if (find(body.name)) return fault(409, 'exists', `there is a server "${body.name}" already`)
      const one = server(body.name, body.port ?? 5440, 'Provisioning', { state_since: context.now(), created_at: context.now() })
      servers.push(one)
      return job('server-create', body.name, ['make the data key', 'wrap it in the vault', 'mount the store', 'initdb', 'start PostgreSQL', 'prove TLS by connecting back'],
        () => Object.assign(one, { state: 'Ready', state_since: context.now() }))
    }],
    ['GET', '/servers/{s}', ({ params }) => { const one = find(params.s); return one ? ok(one, `"${one.state}-${one.state_since}"`) : missing(params.s) }],
    ['DELETE', '/servers/{s}', ({ params }) => {
      if (!find(params.s)) return missing(params.s)
      return job('server-delete', params.s, ['stop PostgreSQL', 'unmount', 'destroy the wrapped data key', 'remove the store'], () => servers.splice(servers.indexOf(find(params.s)), 1))
    }],
    ['POST', '/servers/{s}/start', ({ params }) => to(params.s, 'server-start', 'Ready', ['unwrap the data key', 'mount the store', 'start PostgreSQL', 'prove TLS'])],
    ['POST', '/servers/{s}/stop', ({ params }) => to(params.s, 'server-stop', 'Stopped', ['stop PostgreSQL', 'unmount'])],
    ['POST', '/servers/{s}/restart', ({ params }) => to(params.s, 'server-restart', 'Ready', ['stop PostgreSQL', 'start PostgreSQL'])],
    ['GET', '/servers/{s}/history', () => list(history)],
    ['GET', '/servers/{s}/connect', ({ params, query }) => {
      const one = find(params.s)
      if (!one) return missing(params.s)
      const role = query.get('role') || 'postgres'
      const dsn = one.dsn.replace('postgres@', `${encodeURIComponent(role)}@`)
      const text = (id, title, language, t) => ({ id, title, language, text: t })
      return ok({ dsn, role, host: 'localhost', port: one.port, ca_file: '/var/lib/pgkeep/ca.pem', password_file: role === 'postgres' ? `/var/lib/pgkeep/servers/${one.name}/pgpass` : null, ca_pem: ca, snippets: [
        text('psql', 'psql', 'shell', `psql '${dsn}'`),
        text('pgadmin', 'pgAdmin', 'json', JSON.stringify({ Servers: { 1: { Name: `pgkeep ${one.name}`, Group: 'pgkeep', Host: 'localhost', Port: one.port, MaintenanceDB: 'postgres', Username: role, SSLMode: 'verify-full', SSLRootCert: '/var/lib/pgkeep/ca.pem' } } }, null, 2)),
        text('dbeaver', 'DBeaver', 'text', `Host: localhost\nPort: ${one.port}\nDatabase: postgres\nUsername: ${role}\nSSL mode: verify-full\nCA certificate: /var/lib/pgkeep/ca.pem`),
        text('jdbc', 'JDBC', 'java', `String url = "jdbc:postgresql://localhost:${one.port}/postgres?user=${role}&sslmode=verify-full&sslrootcert=/var/lib/pgkeep/ca.pem";`),
        text('python', 'Python', 'python', `import psycopg\n\nwith psycopg.connect("${dsn}") as connection:\n    print(connection.execute("select version()").fetchone())`),
        text('node', 'Node', 'javascript', `import pg from 'pg'\n\nconst client = new pg.Client({ connectionString: '${dsn}' })\nawait client.connect()\nconsole.log((await client.query('select version()')).rows)`),
        text('libpq-service', 'libpq service', 'ini', `[${one.name}]\nhost=localhost\nport=${one.port}\ndbname=postgres\nuser=${role}\nsslmode=verify-full\nsslrootcert=/var/lib/pgkeep/ca.pem`),
      ] })
    }],
    ['GET', '/servers/{s}/encryption', ({ params }) => { const one = find(params.s); return one ? ok(one.data_encryption, `"e-${one.data_encryption.key_version}"`) : missing(params.s) }],
    ['PUT', '/servers/{s}/encryption/key', ({ params, body }) => job('server-key-change', params.s, ['ask the new key to wrap', 'prove it opens', 'keep both wrappings', 'drop the old one'],
      () => Object.assign(find(params.s).data_encryption, { mode: 'CustomerManaged', key_uri: body.key_uri, identity: body.identity, last_validated_at: context.now() }))],
    ['POST', '/servers/{s}/encryption/check', ({ params }) => { const e = find(params.s).data_encryption; e.last_validated_at = context.now(); return ok({ health: e.health ?? 'usable', failure: e.failure ?? null, checked_at: context.now() }) }],
    ['POST', '/servers/{s}/encryption/rotate', ({ params }) => job('server-key-rotate', params.s, ['make a new version of the key', 'wrap the data key with it', 'prove that it opens'],
      () => { const e = find(params.s).data_encryption; Object.assign(e, { key_version: hex(16, Date.now() % 97), last_validated_at: context.now() }) })],
    ['GET', '/servers/{s}/encryption/history', () => list([
      { seq: 41, at: before(14), kind: 'key', from: 'usable', to: 'lost', key_version: '9b1f6f0d7c1e4d22a1f3c5b8e7d60412', failure: { cause: 'disabled', http_status: 403, inner_code: 'KeyDisabled', message: 'the key clinic-cmk is disabled' } },
      { seq: 22, at: before(60 * 24 * 3), kind: 'rewrap', key_uri: 'https://hospital.vault.localhost:8201/keys/clinic-cmk', from_version: '01c2a97f0e5d3384be11a7c99d21ef6b', key_version: '9b1f6f0d7c1e4d22a1f3c5b8e7d60412' },
      { seq: 3, at: before(60 * 24 * 12), kind: 'key', from: 'unchecked', to: 'usable', key_version: '01c2a97f0e5d3384be11a7c99d21ef6b' },
    ])],
    ['GET', '/servers/{s}/encryption/proof', ({ params }) => ok({
      file: `/var/lib/pgkeep/servers/${params.s}/data/pgdata/base/5/16412`, mounted_file: 'pgdata/base/5/16412', unit: 0, relation: 'public.patients',
      looked_at: context.now(), on_disk_hex: hex(256, 7), inside_hex: inside, entropy_bits_per_byte: 7.95, inside_entropy_bits_per_byte: 3.61,
      explanation: 'The same 4 KiB were read twice: from the disk, and through the mount as PostgreSQL sees them. On the disk nothing repeats and no word can be read.',
    })],
    ['POST', '/servers/{s}/storage/verify', ({ params }) => job('storage-verify', params.s, ['stopping PostgreSQL', 'reading every unit of the storage', 'starting PostgreSQL'], (one) => { one.result = { n_files: 1534, n_units: 43135, n_temporary: 0, unclean: false, n_not_assessed: 0, tampered: [], server: params.s, intact: true, verified_at: context.now() } })],
    ['POST', '/servers/{s}/certificate/rotate', ({ params }) => job('certificate-rotate', params.s, ['ask the CA', 'reload PostgreSQL', 'prove by connecting back'])],
  ]
}
