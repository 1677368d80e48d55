// Signing in, and what every test watches: nothing from elsewhere, nothing refused by the policy.
import { type Page, test as base, expect } from '@playwright/test'
import { loginLink, url } from './installation'

export const test = base.extend<{ watched: void; person: Page }>({
  /** Fails a test whose page asked another origin, broke the policy or threw. */
  watched: [async ({ page }, use) => {
    const faults: string[] = []
    page.on('request', (request) => {
      const from = request.url()
      if (!from.startsWith(`${url}/`) && !/^(data|blob|about):/.test(from)) faults.push(`asked ${from}`)
    })
    page.on('pageerror', (error) => faults.push(`threw ${error.message}`))
    page.on('console', (message) => {
      if (message.type() === 'error' && /Content Security Policy|Minified React/.test(message.text())) {
        faults.push(message.text())
      }
    })
    await use()
    expect(faults, 'the page did what it must not').toEqual([])
  }, { auto: true }],
  /** A page where the owner is signed in. */
  person: async ({ page }, use) => {
    await enter(page)
    await use(page)
  },
})

/** Signs in by a one-time link and waits for the frame. */
export const enter = async (page: Page) => {
  await page.goto(await loginLink())
  await expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible()
}

/** Waits for what a page has to show: its title, and no skeleton left. */
export const settled = async (page: Page) => {
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await expect(page.locator('[aria-busy="true"], .fui-Skeleton')).toHaveCount(0)
}

export { expect }
