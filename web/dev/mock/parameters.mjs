// Parameters: those of the PostgreSQL on this machine when there is one, else a few.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'

const described = () => {
  const root = '/usr/lib/postgresql'
  const found = existsSync(root) ? readdirSync(root).sort().map((v) => `${root}/${v}/bin/postgres`).filter(existsSync) : []
  if (found.length === 0) return ''
  return execFileSync(found.at(-1), ['--describe-config'], { encoding: 'utf8' })
}
const few = 'work_mem\tuser\tResource Usage / Memory\tINTEGER\t4096\t64\t2147483647\tSets the maximum memory to be used for query workspaces.\t'
const units = { shared_buffers: '8kB', work_mem: 'kB', maintenance_work_mem: 'kB', wal_buffers: '8kB', checkpoint_timeout: 's', statement_timeout: 'ms', max_wal_size: 'MB', log_rotation_age: 'min' }
const words = { wal_level: ['minimal', 'replica', 'logical'], ssl_min_protocol_version: ['', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'], password_encryption: ['md5', 'scram-sha-256'], log_statement: ['none', 'ddl', 'mod', 'all'] }

const parameters = (described() || few).trim().split('\n').map((line) => {
  const [name, context, category, type, boot, min, max, description] = line.split('\t')
  const data_type = { BOOLEAN: 'bool', ENUM: 'enum', INTEGER: 'integer', REAL: 'real', STRING: 'string' }[type] ?? 'string'
  const value = data_type === 'bool' ? (boot === 'TRUE' ? 'on' : 'off') : (boot ?? '')
  return {
    name, value, unit: units[name] ?? null, data_type, default: value, min: min || null, max: max || null, allowed_values: words[name] ?? (data_type === 'enum' ? [value] : []),
    dynamic: !['internal', 'postmaster'].includes(context), read_only: context === 'internal', pending_restart: false,
    source: 'default', category, description: description ?? '', effect: { internal: 'never', postmaster: 'restart', backend: 'new_sessions', 'superuser-backend': 'new_sessions' }[context] ?? 'immediate', guard: null,
  }
})
parameters.push({ name: 'require_secure_transport', value: 'on', unit: null, data_type: 'bool', default: 'on', min: null, max: null, allowed_values: [], dynamic: true, read_only: false, pending_restart: false, source: 'default', category: 'Connections and Authentication / SSL', description: 'Refuses connections over TCP that are not encrypted.', effect: 'immediate', guard: null })
const set = (name, value, more = {}) => Object.assign(parameters.find((p) => p.name === name) ?? {}, { value, source: 'configuration file', ...more })
set('shared_buffers', '16384', { pending_restart: true })
set('ssl', 'on')
set('ssl_ciphers', 'HIGH:!aNULL', { guard: 'must leave at least one cipher that modern clients speak' })
set('log_connections', 'on')
set('max_connections', '100')
set('ssl_min_protocol_version', 'TLSv1.2')

export const routes = ({ fault, ok, list }) => {
  const change = ({ params, body, query }) => {
    const p = parameters.find((one) => one.name === params.p)
    if (!p) return fault(404, 'unknown_parameter', `there is no parameter "${params.p}"`)
    const value = body ? body.value : p.default
    if (value === '13kB') return fault(400, 'rejected', `parameter "${p.name}" cannot be "${value}"`, { hint: 'take a value from 64 kB' })
    const needs_restart = !p.dynamic
    const same = p.value === value
    if (query.get('dry_run') !== 'true' && !same) {
      if (needs_restart) p.pending_restart = true
      else Object.assign(p, { value, source: body ? 'configuration file' : 'default' })
    }
    return ok({ name: p.name, value, changed: same ? 'unchanged' : 'changed', needs_restart, dry_run: query.get('dry_run') === 'true' })
  }
  return [
    ['GET', '/servers/{s}/parameters', () => list(parameters)],
    ['PATCH', '/servers/{s}/parameters/{p}', change],
    ['DELETE', '/servers/{s}/parameters/{p}', change],
  ]
}
