import { describe, expect, it } from 'vitest'
import type { PostureBrief, PostureItem, RolePath } from '../../api/types'
import {
  isWanted, layout, linePoints, rankOf, scoreText, shownOf, topicsOf, trendOf, waivedUntil, waiverComplaint,
} from './model'

const item = (id: string, topic: string, verdict: string, more: Partial<PostureItem> = {}): PostureItem => ({
  id, topic, verdict, title: id, severity: 'high', access: 'S', reason: '', n_findings: 0, read_at: '2026-11-28T12:00:00Z',
  fix: { class: 'none', automatic: false, why: '' }, ...more,
})
const waiver = (until: string) => ({ id: '1', check: 'A', owner: 'o', reason: 'r', until })
const waived = (all: boolean) => ({ waived: { all, findings: [], waivers: [waiver('2027-01-01'), waiver('2026-12-01')] } })

describe('posture', () => {
  it('shows a failure as waived only when all of it is', () => {
    expect(shownOf(item('A', 't', 'fail'))).toBe('fail')
    expect(shownOf(item('A', 't', 'fail', waived(false)))).toBe('fail')
    expect(shownOf(item('A', 't', 'fail', waived(true)))).toBe('waived')
    expect(waivedUntil(item('A', 't', 'fail', waived(true)))).toBe('2027-01-01')
  })
  it('filters by verdict, severity and topic', () => {
    const one = item('A', 'roles', 'fail')
    expect(isWanted(one, { verdict: 'all', severity: 'all', topic: 'all' })).toBe(true)
    expect(isWanted(one, { verdict: 'fail', severity: 'high', topic: 'roles' })).toBe(true)
    expect(isWanted(one, { verdict: 'pass', severity: 'all', topic: 'all' })).toBe(false)
    expect(isWanted(one, { verdict: 'all', severity: 'low', topic: 'all' })).toBe(false)
    expect(isWanted(one, { verdict: 'all', severity: 'all', topic: 'tls' })).toBe(false)
  })
  it('counts by topic, the worst first', () => {
    const all = [item('A', 'tls', 'pass'), item('B', 'roles', 'fail'), item('C', 'roles', 'cannot-tell'), item('D', 'roles', 'fail', waived(true))]
    expect(topicsOf(all)).toEqual([
      { topic: 'roles', fail: 1, waived: 1, unknown: 1, pass: 0 },
      { topic: 'tls', fail: 0, waived: 0, unknown: 0, pass: 1 },
    ])
    expect(rankOf('critical')).toBeLessThan(rankOf('info'))
    expect(rankOf('odd')).toBe(5)
  })
  it('draws the trend of whole assessments by one profile', () => {
    const brief = (id: number, more: Partial<PostureBrief> = {}): PostureBrief => ({
      id, assessed_at: '', by: '', checks: [], evidence_hash: '', has_evidence: false, score: 50, coverage: 50, counts: {}, ...more,
    })
    const all = [brief(4, { checks: ['A'] }), brief(3, { profile: 'cis' }), brief(2), brief(1), brief(0, { score: null })]
    expect(trendOf(all, '').map((one) => one.id)).toEqual([1, 2])
    expect(linePoints([0, 100], 120, 60, 10)).toEqual([[10, 50], [110, 10]])
    expect(linePoints([50], 120, 60, 10)).toEqual([[60, 30]])
    expect(scoreText(null)).toBe('–')
    expect(scoreText(87.46)).toBe('87.5')
  })
  it('lays roles out towards what they reach', () => {
    const path = (target: string, strong: boolean, ...names: string[]): RolePath => ({
      role: names[0] ?? '', target, length: names.length, path: '', strong, cut: '',
      steps: names.map((source, i) => ({ source, target: names[i + 1] ?? target, why: 'member' })),
    })
    const drawn = layout([path('superuser', true, 'a', 'b'), path('superuser', false, 'c', 'a', 'b'), path('operating system', true, 'c')])
    const at = Object.fromEntries(drawn.nodes.map((node) => [node.name, node.column]))
    expect(at).toEqual({ superuser: 3, 'operating system': 3, b: 2, a: 1, c: 0 })
    expect(drawn.edges).toHaveLength(4)
    expect(drawn.edges.find((edge) => edge.source === 'a')?.strong).toBe(true)
    expect(layout([])).toEqual({ nodes: [], edges: [], columns: 1, rows: 1 })
  })
  it('says what a waiver lacks', () => {
    const good = { reason: 'r', owner: 'o', until: '2026-12-01' }
    expect(waiverComplaint(good, '2026-11-28')).toBeUndefined()
    for (const bad of [{ reason: ' ' }, { owner: '' }, { until: '' }, { until: '2026-11-27' }]) {
      expect(waiverComplaint({ ...good, ...bad }, '2026-11-28')).toBeDefined()
    }
  })
})
