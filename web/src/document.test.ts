// What the portal asks for stands in the API's document: paths, and operations that buttons need.
import { describe, expect, it } from 'vitest'
import document from '../../docs/openapi.json'

const sources = Object.entries(
  import.meta.glob<string>('./**/*.{ts,tsx}', { query: '?raw', import: 'default', eager: true }),
).filter(([file]) => !file.endsWith('.test.ts') && !file.endsWith('schema.d.ts'))

const found = (pattern: RegExp): [string, string][] =>
  sources.flatMap(([file, text]) => [...text.matchAll(pattern)].map((hit) => [file, hit[1] ?? ''] as [string, string]))

const shape = (path: string): string[] => path.replace(/\$?\{[^}]*\}/g, '*').split('/').filter(Boolean)
const known = Object.keys(document.paths).map((path) => shape(path.replace(/^\/api\/v1/, '')))
const operations = new Set(
  Object.values(document.paths).flatMap((path) => Object.values(path).map((one) => (one as { operationId?: string }).operationId)),
)

/** A path of the document, or the beginning of one: pages add `/start` and the like. */
const leads = (path: string): boolean => {
  const asked = shape(path.replace(/\$\{[^}]*\}/g, '{}').split('?')[0] ?? '')
  return known.some((one) => asked.every((part, i) => part === one[i] || (one[i] === '*' && part === '*')))
}

describe('the API’s document', () => {
  it('knows every path that is asked', () => {
    const asked = [
      ...found(/apiPath`([^`]*)`/g),
      ...found(/\bapi\.(?:get|read|post|put|patch|delete)(?:<[^>]*(?:<[^>]*>)?>)?\('(\/[^']*)'/g),
      ...found(/\ball<[^>]*>\('(\/[^']*)'/g),
    ]
    expect(asked.length).toBeGreaterThan(20)
    expect(asked.filter(([, path]) => !leads(path))).toEqual([])
  })
  it('knows every operation that a button needs', () => {
    const needed = [...found(/\bneeds[:=] ?\{?'([a-z_]+)'/g), ...found(/useMay\(\)\('([a-z_]+)'/g), ...found(/\bmay\('([a-z_]+)'/g)]
    expect(needed.length).toBeGreaterThan(5)
    expect(needed.filter(([file, name]) => file !== './api/queries.ts' && !operations.has(name))).toEqual([])
  })
  it('would not know others', () => {
    expect(leads('/servers/${name}/encrypt')).toBe(false)
    expect(leads('/servers/${name}/start')).toBe(true)
  })
})
