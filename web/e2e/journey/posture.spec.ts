// Posture by browser: assessed, a failure looked into and waived, checked again, roles, connections.
import type { Page } from '@playwright/test'
import { api, demo, pgkeepJson, shell } from '../lib/installation'
import { expect, settled, test } from '../lib/session'

/** An assessment reads every database and judges some hundred rules; this machine may be busy. */
const ASSESSED_MS = 90_000
const CLIMBER = 'climber'

test.describe.configure({ mode: 'serial' })

const sql = (text: string) => {
  const dsn = pgkeepJson<{ dsn: string }>('server', 'show', '-n', demo).dsn
  expect(shell(`psql '${dsn}' -XAtqc "${text}"`)).toMatchObject({ code: 0 })
}

const assess = async (page: Page) => {
  await page.goto(`/posture/${demo}`)
  await page.getByRole('button', { name: 'Assess now' }).click()
  await expect(page.getByRole('status').filter({ hasText: 'Assessing:' })).toBeVisible()
  await expect(page.getByRole('status').filter({ hasText: 'Assessing:' })).toBeHidden({ timeout: ASSESSED_MS })
}

test('a server is assessed, and a failure shows what was read', async ({ person: page }) => {
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Posture' }).click()
  await page.getByRole('link', { name: demo, exact: true }).click()
  await assess(page)
  await expect(page.getByRole('heading', { level: 2, name: 'Recommendations' })).toBeVisible()
  await expect(page.getByRole('img', { name: /^Score over / })).toBeVisible()
  await page.getByRole('combobox', { name: 'Verdict' }).selectOption('all')
  await page.getByRole('combobox', { name: 'Topic' }).selectOption('roles')
  await expect(page).toHaveURL(/verdict=all/)
  await expect(page.getByRole('cell', { name: 'ROLE-01' })).toBeVisible()
  await expect(page.getByRole('cell', { name: 'LOG-17' })).toHaveCount(0)
})

test('a finding appears, is waived, and goes with its cause', async ({ person: page }) => {
  sql(`create role ${CLIMBER} superuser login`)
  await page.goto(`/posture/${demo}?verdict=all&check=ROLE-01`)
  const again = page.getByRole('button', { name: 'Check again now' })
  const item = page.getByRole('listitem').filter({ hasText: CLIMBER })
  await again.click()
  await expect(item).toBeVisible({ timeout: ASSESSED_MS })
  await page.getByRole('button', { name: `Waive ${CLIMBER}` }).click()
  const form = page.getByRole('dialog', { name: /^Waive ROLE-01/ })
  await form.getByRole('textbox', { name: 'Why it is accepted' }).fill('she climbs')
  await form.getByRole('textbox', { name: 'Who answers for it' }).fill('anna')
  await form.getByRole('button', { name: 'Waive', exact: true }).click()
  await expect(form).toBeHidden()
  await expect(page.getByText(/^Waived until /)).toBeVisible()
  await page.goto(`/posture/${demo}/waivers`)
  await expect(page.getByRole('row').filter({ hasText: 'she climbs' })).toContainText('anna')
  await page.getByRole('button', { name: /^Take waiver .* of ROLE-01 away$/ }).click()
  await page.getByRole('button', { name: 'Take away', exact: true }).click()
  await expect(page.getByRole('row').filter({ hasText: 'she climbs' })).toHaveCount(0)
  sql(`drop role ${CLIMBER}`)
  await page.goto(`/posture/${demo}?verdict=all&check=ROLE-01`)
  await expect(item).toBeVisible()
  await again.click()
  await expect(item).toHaveCount(0, { timeout: ASSESSED_MS })
})

test('what differs between two assessments is listed', async ({ person: page }) => {
  sql(`create role ${CLIMBER} login createrole; grant pg_execute_server_program to ${CLIMBER}`)
  await assess(page)
  await page.goto(`/posture/${demo}/history`)
  await settled(page)
  await expect(page.getByRole('region', { name: 'What is different' })).toContainText(CLIMBER)
  const { items } = await api<{ items: { id: number }[] }>('GET', `/servers/${demo}/baseline/assessments`)
  await expect(page.getByRole('link', { name: `Evidence of assessment ${items[0]?.id}` })).toBeVisible()
})

test('a failure is mended, proved, and the fix taken back', async ({ person: page }) => {
  sql('grant create on database postgres to public')
  await page.goto(`/posture/${demo}?verdict=all&check=OBJ-02`)
  await page.getByRole('button', { name: 'Check again now' }).click()
  await expect(page.getByRole('listitem').filter({ hasText: 'CREATE on postgres' })).toBeVisible({ timeout: ASSESSED_MS })
  await page.getByRole('button', { name: 'Mend…' }).click()
  const dialog = page.getByRole('alertdialog', { name: /^Mend OBJ-02/ })
  await expect(dialog.getByText('Takes CREATE on postgres from PUBLIC.')).toBeVisible({ timeout: ASSESSED_MS })
  await dialog.getByRole('button', { name: 'Mend', exact: true }).click()
  await expect(page.getByText('Mended, and proved.')).toBeVisible({ timeout: ASSESSED_MS })
  await page.getByRole('button', { name: 'Close' }).last().click()
  await page.goto(`/posture/${demo}/fixes`)
  await page.getByRole('button', { name: /^Take OBJ-02-.* back$/ }).first().click()
  await page.getByRole('button', { name: 'Take back', exact: true }).click()
  await expect(page.getByText('As it was, to the byte.')).toBeVisible({ timeout: ASSESSED_MS })
  sql('revoke create on database postgres from public')
})

test('a way up is drawn and listed', async ({ person: page }) => {
  await page.goto(`/posture/${demo}/roles`)
  await expect(page.getByRole('img', { name: /paths? of roles to superuser/ })).toBeVisible()
  await page.getByRole('button', { name: CLIMBER, exact: true }).first().click()
  await expect(page).toHaveURL(new RegExp(`role=${CLIMBER}`))
  await expect(page.getByText(new RegExp(`^${CLIMBER} → `)).first()).toBeVisible()
  const saved = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Save as JSON' }).click()
  expect((await saved).suggestedFilename()).toBe(`roles-${demo}.json`)
  sql(`drop role ${CLIMBER}`)
})

test('a connection is tried on paper', async ({ person: page }) => {
  await page.goto(`/posture/${demo}/hba`)
  await page.getByRole('textbox', { name: 'Role' }).fill('nobody')
  await page.getByRole('textbox', { name: 'From the address' }).fill('192.0.2.7')
  await expect(page.getByRole('status').filter({ hasText: 'Refused' })).toBeVisible()
  await page.getByRole('textbox', { name: 'From the address' }).fill('')
  await page.getByRole('textbox', { name: 'Role' }).fill('postgres')
  await expect(page.getByRole('status').filter({ hasText: 'Let in' })).toBeVisible()
})
