import { describe, expect, it } from 'vitest'
import { apiPath, paths, safePath } from './paths'

describe('paths', () => {
  it('encodes names', () => {
    expect(paths.server('a/b c')).toBe('/servers/a%2Fb%20c')
    expect(apiPath`/servers/${'a/../b'}/parameters/${'x?y'}`).toBe('/servers/a%2F..%2Fb/parameters/x%3Fy')
  })
  it('leaves empty parameters out', () => {
    expect(paths.servers({ q: '', create: true })).toBe('/servers?create=true')
    expect(paths.servers()).toBe('/servers')
  })
  it('keeps only addresses of this portal', () => {
    expect(safePath('/servers/demo?tab=a#b')).toBe('/servers/demo?tab=a#b')
    for (const bad of ['//evil.example', '/\\evil.example', 'https://evil.example', 'javascript:alert(1)', '', null, '/a\\b', '/\n/x']) {
      expect(safePath(bad)).toBe('/')
    }
  })
})
