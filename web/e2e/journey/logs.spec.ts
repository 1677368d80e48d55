// Logs by browser: a query is written, marked, run, drawn, saved, shared; sources are listed.
import type { Page } from '@playwright/test'
import { demo } from '../lib/installation'
import { expect, settled, test } from '../lib/session'

const SAVED = 'numbers by journey'
/** The language service is some megabytes of script; this machine may be busy. */
const EDITOR_MS = 30_000

const editor = (page: Page) => page.getByTestId('kql-editor')

/** Opens a query by its link, as a colleague would. */
const open = async (page: Page, query: string) => {
  await page.goto('/connectors')
  await page.goto(`/logs#${new URLSearchParams({ q: query, t: '' })}`)
  await expect(editor(page).locator('.view-line').first()).not.toBeEmpty({ timeout: EDITOR_MS })
}
const run = (page: Page) => page.getByRole('button', { name: 'Run', exact: true }).click()

test('a query is written with the schema at hand, and run by the keyboard', async ({ person: page }) => {
  await page.goto('/logs')
  const text = editor(page).getByRole('textbox')
  await expect(text).toBeAttached({ timeout: EDITOR_MS })
  await editor(page).click()
  await page.keyboard.type('PGSQLServerL')
  await expect(page.getByRole('option', { name: /^PGSQLServerLogs/ }).first()).toBeVisible({ timeout: EDITOR_MS })
  await page.keyboard.press('Escape')
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.type('range x from 1 to 5 step 1')
  await page.keyboard.press('Escape')
  await page.keyboard.press('Shift+Enter')
  await expect(page.getByText(/^5 rows in /)).toBeVisible()
  await expect(page.getByRole('gridcell', { name: '3', exact: true })).toBeVisible()
})

test('what the plane would refuse is marked, and refused in words', async ({ person: page }) => {
  await open(page, 'PGSQLServerLogs // ö𝒳\n| where Nonsense == 1')
  await expect(editor(page).locator('.squiggly-error')).toHaveCount(1)
  await run(page)
  await expect(page.getByRole('alert').filter({ hasText: 'Nonsense' })).toBeVisible()
})

test('many rows are seen, sorted, and opened by the keyboard', async ({ person: page }) => {
  await open(page, 'range x from 1 to 30000 step 1')
  await run(page)
  await expect(page.getByText(/^30,000 rows in /)).toBeVisible()
  const grid = page.getByRole('grid')
  const sort = grid.getByRole('columnheader', { name: 'x' }).getByRole('button')
  await sort.click()
  await sort.click()
  await expect(grid.getByRole('gridcell', { name: '30000', exact: true })).toBeVisible()
  await grid.focus()
  await page.keyboard.press('ControlOrMeta+End')
  await page.keyboard.press('Enter')
  const drawer = page.getByRole('dialog', { name: 'Row 30,000 of 30,000' })
  await expect(drawer).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(drawer).toBeHidden()
})

test('a query is shared by a link, saved, found again, and deleted', async ({ person: page }) => {
  await open(page, 'range x from 1 to 7 step 1')
  await page.getByRole('button', { name: 'Copy link' }).click()
  const link = await page.evaluate(() => navigator.clipboard.readText())
  expect(new URLSearchParams(new URL(link).hash.slice(1)).get('q')).toBe('range x from 1 to 7 step 1')
  await page.getByRole('button', { name: 'Save…' }).click()
  const form = page.getByRole('dialog', { name: 'Save the query' })
  await form.getByRole('textbox', { name: 'Name' }).fill(SAVED)
  await form.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(form).toBeHidden()
  await page.getByRole('button', { name: 'Queries' }).click()
  const drawer = page.getByRole('dialog', { name: 'Queries' })
  await drawer.getByRole('tab', { name: 'Saved' }).click()
  await drawer.getByRole('button', { name: `Delete ${SAVED}` }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click()
  await expect(drawer.getByRole('button', { name: `Delete ${SAVED}` })).toBeHidden()
})

test('the log of a server is a source', async ({ person: page }) => {
  await page.goto('/connectors')
  await settled(page)
  await expect(page.getByRole('row', { name: new RegExp(`^server/${demo}\\s`) })).toBeVisible()
})

test('a table keeps its events as long as is said, and loses what is erased', async ({ person: page }) => {
  await page.goto('/tables')
  await settled(page)
  await page.getByRole('button', { name: 'PGSQLPgStatActivitySessions' }).click()
  const drawer = page.getByRole('dialog', { name: 'PGSQLPgStatActivitySessions' })
  const days = drawer.getByLabel('Days that events are kept')
  await days.fill('many')
  await expect(drawer.getByText('Write a number of days, or nothing.')).toBeVisible()
  await days.fill(String(1000 + Math.floor(Math.random() * 1000)))
  const said = `${Number(await days.inputValue()).toLocaleString('en')} days`
  await drawer.getByRole('button', { name: 'Save' }).click()
  await expect(drawer).toBeHidden()
  const row = page.getByRole('row', { name: /^PGSQLPgStatActivitySessions/ })
  await expect(row).toContainText(said)
  await row.getByRole('button').click()
  await drawer.getByRole('button', { name: 'Erase events…' }).click()
  const asked = page.getByRole('alertdialog')
  await asked.getByLabel('Condition').fill('ProcessId == -1')
  await asked.getByLabel('Type PGSQLPgStatActivitySessions to go on').fill('PGSQLPgStatActivitySessions')
  await asked.getByRole('button', { name: 'Erase', exact: true }).click()
  await expect(asked).toContainText('0 rows of PGSQLPgStatActivitySessions are gone.')
})
