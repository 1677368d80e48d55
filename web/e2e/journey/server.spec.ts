// A server's life by browser: made, connected to, TLS off and on, its key rotated and taken away.
import { createServer } from 'node:net'
import type { Page } from '@playwright/test'
import { api, pgkeepJson, shell } from '../lib/installation'
import { expect, test } from '../lib/session'

const WEB = 'web'
const HELD = 'held'
const VAULT = 'safe'
const KEY = 'lock'
const IDENTITY = 'holder'
/** Making a server means initdb on a new mount; this machine may be busy. */
const MADE_MS = 90_000
/** How long a key may be gone before the server is. */
const CLOSED_MS = 15_000

test.describe.configure({ mode: 'serial' })

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const listener = createServer().on('error', reject).listen(0, '127.0.0.1', () => {
      const address = listener.address()
      listener.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })

const clipboard = (page: Page) => page.evaluate(() => navigator.clipboard.readText())

const state = (page: Page, name: string, wanted: string, timeout: number) =>
  expect(page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) }))
    .toContainText(wanted, { timeout })

/** Fills the form of a new server and waits for it in the list. */
const create = async (page: Page, name: string, more: (form: ReturnType<Page['getByRole']>) => Promise<void>) => {
  await page.goto('/servers')
  await page.getByRole('button', { name: 'Create a server' }).click()
  const form = page.getByRole('dialog', { name: 'Create a server' })
  await form.getByRole('textbox', { name: 'Name' }).fill(name)
  await form.getByRole('textbox', { name: 'Port' }).fill(String(await freePort()))
  await more(form)
  await form.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(form).toBeHidden()
  await state(page, name, 'Ready', MADE_MS)
}

/** The address of a server, for a client that speaks no TLS. */
const withoutTls = (name: string) => {
  const dsn = new URL(pgkeepJson<{ dsn: string }>('server', 'show', '-n', name).dsn)
  dsn.searchParams.set('sslmode', 'disable')
  dsn.searchParams.delete('sslrootcert')
  return shell(`psql '${dsn}' -XAtc 'select 1'`)
}

test('a server is made, and psql connects by the copied string', async ({ person: page }) => {
  await create(page, WEB, async () => {})
  await page.getByRole('link', { name: WEB, exact: true }).click()
  await page.getByRole('main').getByRole('link', { name: 'Connect' }).first().click()
  await expect(page.getByRole('heading', { level: 1, name: 'Connect' })).toBeVisible()
  await page.getByRole('button', { name: 'Copy psql snippet' }).click()
  const line = (await clipboard(page)).trim()
  expect(line).toMatch(/^psql /)
  const seen = shell(`${line} -XAtc 'select 40 + 2, ssl from pg_stat_ssl where pid = pg_backend_pid()'`)
  expect(seen).toEqual({ code: 0, out: '42|t', said: '' })
})

test('TLS is required, then not, then again', async ({ person: page }) => {
  const turn = async () => {
    await page.getByRole('switch', { name: /Require TLS/ }).click()
    await page.getByRole('button', { name: 'Preview the change' }).click()
    const drawer = page.getByRole('dialog', { name: `Change networking of ${WEB}` })
    await expect(drawer.getByText('What would be written', { exact: true })).toBeVisible()
    await drawer.getByRole('button', { name: 'Apply' }).click()
    await expect(drawer).toBeHidden()
    await expect(page.getByText('In force.', { exact: true })).toBeVisible()
  }
  expect(withoutTls(WEB).code).toBe(2)
  await page.goto(`/servers/${WEB}/networking`)
  await turn()
  await expect(page.getByText('Connections without TLS are accepted.')).toBeVisible()
  expect(withoutTls(WEB)).toMatchObject({ code: 0, out: '1' })
  await turn()
  await expect(page.getByText('Connections without TLS are accepted.')).toBeHidden()
  expect(withoutTls(WEB).code).toBe(2)
})

test('a customer key: rotated, disabled, Inaccessible, and back', async ({ person: page }) => {
  test.setTimeout(240_000)
  await api('POST', '/keyvaults', { name: VAULT })
  const { kid } = await api<{ kid: string }>('POST', `/keyvaults/${VAULT}/keys`, { name: KEY })
  await api('POST', '/identities', { name: IDENTITY, servers: true })
  await api('POST', `/keyvaults/${VAULT}/role-assignments`, {
    role: 'Key Vault Crypto Service Encryption User', assignee: IDENTITY,
  })
  await create(page, HELD, async (form) => {
    await form.getByRole('radio', { name: /You, in a key vault/ }).check()
    await form.getByRole('combobox', { name: 'Key', exact: true }).fill(kid.replace(/(\/keys\/[^/]+)\/[^/]+$/, '$1'))
    await form.getByRole('combobox', { name: 'Identity' }).fill(IDENTITY)
  })
  const select = () => shell(`psql '${pgkeepJson<{ dsn: string }>('server', 'show', '-n', HELD).dsn}' -XAtc 'select 7'`)
  expect(select()).toMatchObject({ code: 0, out: '7' })

  await test.step('rotate', async () => {
    await page.goto(`/servers/${HELD}/encryption`)
    await page.getByRole('button', { name: 'Rotate', exact: true }).click()
    const dialog = page.getByRole('alertdialog').or(page.getByRole('dialog'))
    await dialog.getByRole('button', { name: 'Rotate', exact: true }).click()
    await expect(dialog.getByText('The data key is wrapped by the new version')).toBeVisible({ timeout: 60_000 })
    await dialog.getByRole('button', { name: 'Close' }).click()
    const after = await api<{ version: string }>('GET', `/keyvaults/${VAULT}/keys/${KEY}`)
    expect(kid).not.toContain(after.version)
    await expect(page.getByText(after.version).first()).toBeVisible()
    expect(select()).toMatchObject({ code: 0, out: '7' })
  })

  const turn = async (verb: 'Disable' | 'Enable', says: string) => {
    await page.goto(`/keyvaults/${VAULT}/keys/${KEY}`)
    await page.getByRole('button', { name: `${verb}…` }).first().click()
    const dialog = page.getByRole('alertdialog').or(page.getByRole('dialog'))
    const name = dialog.getByRole('textbox')
    if (await name.count()) await name.fill(KEY)
    await dialog.getByRole('button', { name: verb, exact: true }).click()
    await expect(dialog.getByText(`The vault says: ${says}`)).toBeVisible()
    await dialog.getByRole('button', { name: 'Close' }).click()
  }
  await test.step('disable', async () => {
    await turn('Disable', 'disabled')
    await page.goto('/servers')
    await state(page, HELD, 'Inaccessible', CLOSED_MS)
    expect(select().code).toBe(2)
    await page.goto('/')
    await expect(page.getByText(new RegExp(`${HELD}.*Inaccessible`)).first()).toBeVisible()
  })
  await test.step('enable', async () => {
    await turn('Enable', 'enabled')
    await page.goto('/servers')
    await state(page, HELD, 'Ready', CLOSED_MS)
    expect(select()).toMatchObject({ code: 0, out: '7' })
  })
})
