// Logic that stands inside components.
import { describe, expect, it } from 'vitest'
import type { Server, Session } from './api/types'
import { match } from './frame/Palette'
import { allows } from './api/queries'
import { curlLine } from './parts/CopyAsCli'
import { compare } from './parts/DataTable'
import { toneOf } from './parts/State'
import { tell } from './pages/encryption/KeyHistory'
import { hexLines } from './pages/encryption/Proof'
import { refused } from './pages/servers/Server'
import { nameFault } from './pages/servers/Servers'
import { withoutVersion } from './pages/encryption/ChangeKey'
import { keyHealth, keyName, ownKey } from './pages/servers/ServerTable'
import { judge } from './pages/servers/VerifyStorage'
import { spans } from './pages/servers/StateStrip'

describe('command lines', () => {
  it('never hold a token', () => {
    const line = curlLine({ title: 'x', method: 'POST', path: '/servers', body: { name: "it's" } }, 'https://localhost:8443')
    expect(line).toContain('$PGKEEP_TOKEN')
    expect(line).toContain(`-d '{"name":"it'\\''s"}'`)
    expect(line).toContain('-X POST')
    expect(line.endsWith('https://localhost:8443/api/v1/servers')).toBe(true)
  })
})

describe('table', () => {
  it('sorts numbers by size and names as people do', () => {
    expect(['demo10', 'demo2', 'Demo1'].sort(compare)).toEqual(['Demo1', 'demo2', 'demo10'])
    expect([10, 9, 100].sort(compare)).toEqual([9, 10, 100])
  })
})

describe('palette', () => {
  const entries = [
    { group: 'Page', text: 'Servers' }, { group: 'Server', text: 'demo: networking' }, { group: 'Key vault', text: 'networking-keys' },
  ]
  it('wants every word, the beginnings first', () => {
    expect(match(entries, 'net').map((e) => e.text)).toEqual(['networking-keys', 'demo: networking'])
    expect(match(entries, 'demo net').map((e) => e.text)).toEqual(['demo: networking'])
    expect(match(entries, 'zzz')).toEqual([])
  })
})

describe('state', () => {
  it('knows no good verdict that it was not told', () => {
    expect(toneOf('good')).toBe('good')
    expect(toneOf('anything')).toBe('quiet')
  })
  it('offers only what makes sense', () => {
    expect(refused('start', 'Ready')).toBeDefined()
    expect(refused('start', 'Stopped')).toBeUndefined()
    expect(refused('stop', 'Ready')).toBeUndefined()
    expect(refused('restart', 'Stopped')).toBeDefined()
    expect(refused('start', undefined)).toBeDefined()
  })
  it('makes spans that do not overlap and end now', () => {
    const at = (m: number) => new Date(m * 60_000).toISOString()
    const rows = [
      { state: 'Stopped', state_reason: '', state_since: at(30) }, { state: 'Ready', state_reason: '', state_since: at(10) },
    ]
    expect(spans(rows, 60 * 60_000, 40 * 60_000)).toEqual([
      { state: 'Ready', from: 20 * 60_000, to: 30 * 60_000 }, { state: 'Stopped', from: 30 * 60_000, to: 60 * 60_000 },
    ])
  })
})

describe('offers', () => {
  const session: Session = { name: 'x', kind: 'user', assignments: [], expires_at: null, operations: ['server_list'] }
  it('offers what a role allows, and everything when nothing is told', () => {
    expect(allows(session, 'server_list')).toBe(true)
    expect(allows(session, 'server_create')).toBe(false)
    expect(allows(undefined, 'server_create')).toBe(true)
  })
})

describe('servers', () => {
  it('judges names', () => {
    expect(nameFault('', [])).toBeUndefined()
    expect(nameFault('web', ['web'])).toContain('this name')
    expect(nameFault('1web', [])).toContain('letter')
    expect(nameFault('web-2', [])).toBeUndefined()
  })
  it('never calls an unknown key usable', () => {
    expect(keyHealth({} as Server)[0]).toBe('quiet')
    expect(keyHealth({ state: 'Stopped', data_encryption: {} } as Server)[0]).toBe('quiet')
    expect(keyHealth({ data_encryption: { health: 'lost' } } as Server)[0]).toBe('bad')
    expect(keyHealth({ data_encryption: { health: 'strange' } } as Server)[0]).toBe('quiet')
  })
  it('names a key by its last part', () => {
    expect(keyName('https://v.vault.localhost:1/keys/tde/')).toBe('tde')
  })
  it('knows its own vaults from others', () => {
    expect(ownKey('https://hospital.vault.localhost:8201/keys/cmk/01ab')).toEqual({ vault: 'hospital', key: 'cmk' })
    expect(ownKey('https://hospital.vault.localhost.evil.example/keys/cmk')).toBeUndefined()
    expect(ownKey('https://hospital.vault.azure.net/keys/cmk')).toBeUndefined()
    expect(withoutVersion('https://v.vault.localhost:1/keys/tde/01ab')).toBe('https://v.vault.localhost:1/keys/tde')
    expect(withoutVersion('https://v.vault.localhost:1/keys/tde')).toBe('https://v.vault.localhost:1/keys/tde')
  })
  it('tells the history of a key', () => {
    expect(tell({ seq: 1, at: '', kind: 'key', from: 'usable', to: 'lost' })).toEqual(['bad', 'usable → lost'])
  })
})

describe('verification', () => {
  const report = { n_files: 1, n_units: 2, n_not_assessed: 0, n_temporary: 0, unclean: false, intact: true, verified_at: '', tampered: [] }
  it('calls only what was all judged intact', () => {
    expect(judge(report)[0]).toBe('good')
    expect(judge({ ...report, n_not_assessed: 3 })[0]).toBe('warning')
    expect(judge({ ...report, unclean: true })[0]).toBe('warning')
    expect(judge({ ...report, intact: false })[0]).toBe('bad')
    expect(judge({ ...report, tampered: [{ file: 'x', unit: 1, reason: 'y' }] })[0]).toBe('bad')
  })
})

describe('proof', () => {
  it('dumps sixteen bytes a line with their text', () => {
    const lines = hexLines('41'.repeat(16) + '00ff')
    expect(lines).toHaveLength(2)
    expect(lines[0]).toEqual({ offset: '0000', bytes: Array(16).fill('41').join(' '), text: 'A'.repeat(16) })
    expect(lines[1]?.text).toBe('··')
  })
})
