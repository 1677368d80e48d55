const rule = (type, database, role, address, method, managed, options = null) => ({ type, database, role, address, method, options, managed })
const first = [rule('local', 'all', 'postgres', null, 'peer', true, 'map=pgkeep'), rule('local', 'replication', 'postgres', null, 'peer', true, 'map=pgkeep')]
const last = (kind) => ['all', 'replication'].flatMap((db) => [rule('local', db, 'all', null, 'scram-sha-256', true), rule(kind, db, 'all', 'all', 'scram-sha-256', true)])

const state = {
  require_secure_transport: true, min_protocol_version: 'TLSv1.2', listen_addresses: ['localhost'], port: 5432, client_certificates: null,
  rules: [rule('hostssl', 'all', 'reporting', '192.0.2.0/24', 'scram-sha-256', false), rule('hostssl', 'all', 'all', '198.51.100.23/32', 'reject', false)],
}
const effective = ({ rules, require_secure_transport: tls }) =>
  [...first, ...(tls ? [rule('hostnossl', 'all', 'all', 'all', 'reject', true)] : []), ...rules, ...last(tls ? 'hostssl' : 'host').filter((r) => r.type === 'local' || rules.length === 0)]
const text = (r) => [r.type, r.database, r.role, r.address, r.method, r.options].filter(Boolean).join(' ')
let version = 1

export const routes = ({ fault, ok, job, context }) => [
  ['GET', '/servers/{s}/networking', () => ok({ ...state, effective_rules: effective(state) }, `"${version}"`)],
  ['POST', '/servers/{s}/networking/preview', ({ body }) => {
    const was = effective(state).map(text)
    const becomes = effective({ ...state, ...body }).map(text)
    return ok({
      changes: [...was.filter((l) => !becomes.includes(l)).map((l) => ({ sign: '-', text: l })), ...becomes.filter((l) => !was.includes(l)).map((l) => ({ sign: '+', text: l })),
        ...(body.listen_addresses ? [{ sign: '-', text: `listen_addresses = '${state.listen_addresses}'` }, { sign: '+', text: `listen_addresses = '${body.listen_addresses}'` }] : [])],
      would_refuse: body.min_protocol_version === 'TLSv1.3' ? [{ kind: 'session', who: 'reporting@clinic from 192.0.2.17 (Tableau)', why: 'speaks TLSv1.2' }] : [],
      restart_needed: Boolean(body.listen_addresses),
    })
  }],
  ['PUT', '/servers/{s}/networking', ({ body }) => {
    if (body.rules?.some((r) => r.database === 'nowhere')) return fault(400, 'access_rules', 'PostgreSQL does not accept the rules', { detail: 'database "nowhere" does not exist', hint: 'name a database that exists, or all' })
    Object.assign(state, body)
    version += 1
    return ok({ ...state, effective_rules: effective(state) }, `"${version}"`)
  }],
  ['POST', '/servers/{s}/certificate/rotate', ({ params }) => job('certificate_rotate', params.s, ['make a key pair', 'sign', 'reload', 'prove by connecting'], () => context)],
]
