// axe-core on every page, in every theme: no violation of WCAG 2.1 AA or EN 301 549.
import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { paths } from '../../src/paths'
import { expect, settled, test } from '../lib/session'
import { demo } from '../lib/installation'
import { forgotten, furnish, pages, signIn } from '../lib/pages'

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'EN-301-549']
/**
 * Fluent's focus sentinels: elements that only catch the Tab key at the ends of a trapped area and
 * hand it on, hidden from readers on purpose. axe takes them for hidden controls.
 */
const FOCUS_SENTINELS = '[data-tabster-dummy]'
const THEMES = ['light', 'dark', 'contrast']

const violations = async (page: Page): Promise<string[]> => {
  const seen = await new AxeBuilder({ page }).withTags(TAGS).exclude(FOCUS_SENTINELS).analyze()
  return seen.violations.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id}: ${node.target.join(' ')}: ${node.failureSummary?.split('\n')[1]?.trim()}`))
}

const inTheme = (page: Page, theme: string) =>
  page.addInitScript((choice) => localStorage.setItem('pgkeep.theme', choice), theme)

test.beforeAll(furnish)

test('every page of the portal is looked at', () => {
  expect(forgotten).toEqual([])
})

for (const theme of THEMES) {
  test(`sign-in, ${theme}`, async ({ page }) => {
    await inTheme(page, theme)
    await page.goto(signIn.path)
    await settled(page)
    expect(await violations(page)).toEqual([])
  })
  test(`every page, ${theme}`, async ({ person: page }) => {
    test.setTimeout(300_000)
    await inTheme(page, theme)
    for (const { name, path } of pages) {
      await test.step(name, async () => {
        await page.goto(path)
        await settled(page)
        await expect.soft(page.getByRole('heading', { name: /not found|went wrong/i })).toHaveCount(0)
        expect.soft(await violations(page), path).toEqual([])
      })
    }
  })
}

/** The page with an answer: editor, chart, rows, and a row that is open. */
for (const theme of THEMES) {
  test(`logs with an answer, ${theme}`, async ({ person: page }) => {
    await inTheme(page, theme)
    await page.goto(paths.logs({ query: 'range x from 1 to 50 step 1 | extend y = x * x | render linechart', timespan: '' }))
    await expect(page.getByTestId('kql-editor').locator('.view-line').first()).not.toBeEmpty({ timeout: 30_000 })
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await expect(page.getByRole('img', { name: /^Line chart/ })).toBeVisible()
    expect.soft(await violations(page)).toEqual([])
    await page.getByRole('button', { name: 'Open row 2', exact: true }).click()
    await expect(page.getByRole('dialog', { name: 'Row 2 of 50' })).toBeVisible()
    expect.soft(await violations(page)).toEqual([])
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Queries' }).click()
    await expect(page.getByRole('dialog', { name: 'Queries' })).toBeVisible()
    await expect(page.locator('[aria-busy="true"], .fui-Skeleton')).toHaveCount(0)
    expect(await violations(page)).toEqual([])
  })
}

/** One check of a server at the side, and the form that waives it. */
for (const theme of THEMES) {
  test(`a check and its waiver, ${theme}`, async ({ person: page }) => {
    await inTheme(page, theme)
    await page.goto(paths.serverPosture(demo, { verdict: 'all', check: 'ROLE-01' }))
    await expect(page.getByRole('heading', { name: 'Why it matters' })).toBeVisible()
    expect.soft(await violations(page)).toEqual([])
    await page.goto(paths.serverPosture(demo, { verdict: 'all', check: 'AUD-01' }))
    await expect(page.getByRole('heading', { name: 'Evidence' })).toBeVisible()
    await page.getByRole('button', { name: 'Waive…', exact: true }).first().click()
    await expect(page.getByRole('dialog', { name: /^Waive AUD-01/ })).toBeVisible()
    expect(await violations(page)).toEqual([])
  })
}

test('the check can fail', async ({ person: page }) => {
  await page.evaluate(() => document.querySelector('main')?.append(document.createElement('button')))
  expect((await violations(page)).join()).toContain('button-name')
})
