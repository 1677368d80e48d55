// Which queries are open, and whose.
import { beforeEach, describe, expect, it } from 'vitest'
import { TABS_MOST, closeTab, desk, newTab, openQuery, setTab, sitDown } from './tabs'

const queries = () => desk.get().tabs.map((tab) => tab.query)
const here = () => desk.get().tabs.find((tab) => tab.id === desk.get().here)

describe('open queries', () => {
  beforeEach(() => {
    desk.set({ owner: '', tabs: [], here: '' })
    sitDown('anna')
  })
  it('begin with an empty one, which the first link takes', () => {
    expect(queries()).toEqual([''])
    openQuery('A', 'P7D')
    expect(queries()).toEqual(['A'])
    expect(here()?.timespan).toBe('P7D')
  })
  it('are opened once', () => {
    openQuery('A', 'P7D')
    openQuery('B', 'P7D', 'named')
    expect(here()?.title).toBe('named')
    openQuery('A', 'P7D')
    expect(queries()).toEqual(['A', 'B'])
    expect(here()?.query).toBe('A')
    openQuery('A', 'P1D')
    expect(queries()).toEqual(['A', 'B', 'A'])
  })
  it('are closed, the last one but emptied', () => {
    openQuery('A', 'P1D')
    openQuery('B', 'P1D')
    closeTab(desk.get().here)
    expect(queries()).toEqual(['A'])
    expect(here()?.query).toBe('A')
    closeTab(desk.get().here)
    expect(queries()).toEqual([''])
    expect(here()).toBeDefined()
  })
  it('have a bound', () => {
    for (let i = 0; i < 30; i += 1) {
      newTab()
      setTab(desk.get().here, { query: `Q${i}` })
    }
    expect(desk.get().tabs).toHaveLength(TABS_MOST)
    openQuery('one more', 'P1D')
    expect(desk.get().tabs).toHaveLength(TABS_MOST)
    expect(here()?.query).toBe('one more')
  })
  it('are not another person’s', () => {
    openQuery('secret', 'P1D')
    sitDown('anna')
    expect(queries()).toEqual(['secret'])
    sitDown('ben')
    expect(queries()).toEqual([''])
  })
})
