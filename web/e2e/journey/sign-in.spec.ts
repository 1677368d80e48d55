// Getting in: the certificate, the one-time link, a password, and out again.
import { checkedKey } from '../lib/browser'
import { api, loginLink } from '../lib/installation'
import { names, newPassword } from '../lib/pages'
import { enter, expect, test } from '../lib/session'

const title = { name: 'Sign in to pgkeep' }

test('the certificate is verified by ca.pem and nothing else', async () => {
  expect(await checkedKey()).toMatch(/^[A-Za-z0-9+/]{43}=$/)
})

test('without a session every page is the sign-in, and one comes back to it', async ({ page }) => {
  await page.goto('/servers')
  await expect(page.getByRole('heading', title)).toBeVisible()
  expect(new URL(page.url()).searchParams.get('back')).toBe('/servers')
})

test('a one-time link signs in, once', async ({ page, browser }) => {
  const link = await loginLink()
  await page.goto(link)
  await expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible()
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  expect(page.url()).not.toContain('link=')
  const [cookie, ...others] = await page.context().cookies()
  expect(others).toEqual([])
  expect(cookie).toMatchObject({ name: '__Host-pgkeep', secure: true, httpOnly: true, sameSite: 'Strict', path: '/' })

  const other = await browser.newContext()
  const late = await other.newPage()
  await late.goto(link)
  await expect(late.getByRole('heading', title)).toBeVisible()
  await expect(late.getByRole('button', { name: 'Sign in', exact: true })).toBeVisible()
  await expect(late.locator('.fui-MessageBar')).toBeVisible()
  await other.close()
})

test('a link works where the sign-in is open already', async ({ page }) => {
  await page.goto('/sign-in')
  await expect(page.getByRole('heading', title)).toBeVisible()
  await enter(page)
})

test('a password signs in, a wrong one does not', async ({ page }) => {
  const password = newPassword()
  await api('POST', '/users', { name: names.person, password, assignments: [{ role: 'reader', scope: '/' }] })
  const sign = async (typed: string) => {
    await page.getByLabel('User name', { exact: true }).fill(names.person)
    await page.getByLabel('Password', { exact: true }).fill(typed)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  }
  await page.goto('/sign-in')
  await sign(`${password}x`)
  await expect(page.locator('.fui-MessageBar')).toBeVisible()
  await sign(password)
  await expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible()

  // A reader sees names, and is told what is missing for the rest.
  await page.goto('/servers')
  await expect(page.getByRole('link', { name: 'demo', exact: true })).toBeVisible()
  await page.goto('/servers/demo/connect')
  await expect(page.getByText(/security-admin|owner/).first()).toBeVisible()
  await expect(page.getByText('postgresql://')).toHaveCount(0)

  await page.getByRole('button', { name: `Signed in as ${names.person}` }).click()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(page.getByRole('heading', title)).toBeVisible()
  expect(await page.context().cookies()).toEqual([])
})

test('a session that was ended elsewhere leads to the sign-in', async ({ page }) => {
  await enter(page)
  await page.context().clearCookies()
  await page.goto('/keyvaults')
  await expect(page.getByRole('heading', title)).toBeVisible()
})
