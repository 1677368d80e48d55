// The first page with a cold cache: when it can be used, and what came over the wire.
// Prints `page=… tti=… fcp=… kb=… requests=…` lines; times in milliseconds from the navigation.
import type { Page } from '@playwright/test'
import { enter, expect, test } from '../lib/session'

const N_RUNS = Number(process.env.PGKEEP_E2E_RUNS ?? 5)
/** No long task for so long: then the page is at rest. */
const QUIET_MS = 2_000

interface Marks { content: number; longEnd: number; fcp: number }

/** Collects long tasks, and notes when the content that is waited for is there. */
const watch = (page: Page, selector: string) =>
  page.addInitScript((wanted) => {
    const marks = { content: 0, longEnd: 0, fcp: 0 }
    Object.assign(window, { marks })
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) marks.longEnd = entry.startTime + entry.duration
    }).observe({ type: 'longtask', buffered: true })
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (entry.name === 'first-contentful-paint') marks.fcp = entry.startTime
    }).observe({ type: 'paint', buffered: true })
    const look = () => {
      const there = document.querySelector(wanted) && !document.querySelector('[aria-busy="true"], .fui-Skeleton')
      if (there) marks.content = performance.now()
      else requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
  }, selector)

const measure = async (page: Page, name: string, path: string, selector: string) => {
  await watch(page, selector)
  const wire = await page.context().newCDPSession(page)
  await wire.send('Network.enable')
  await wire.send('Network.clearBrowserCache')
  let bytes = 0
  let n = 0
  wire.on('Network.loadingFinished', (event) => {
    bytes += event.encodedDataLength
    n += 1
  })
  await page.goto(path, { waitUntil: 'load' })
  await page.waitForFunction(
    (quiet) => {
      const { content, longEnd } = (window as unknown as { marks: Marks }).marks
      return content > 0 && performance.now() - Math.max(content, longEnd) > quiet
    },
    QUIET_MS,
  )
  const marks = await page.evaluate(() => (window as unknown as { marks: Marks }).marks)
  const tti = Math.max(marks.content, marks.longEnd, marks.fcp)
  expect(bytes).toBeGreaterThan(10_000)
  console.log(`page=${name} tti=${tti.toFixed(1)} fcp=${marks.fcp.toFixed(1)} kb=${(bytes / 1000).toFixed(1)} requests=${n}`)
}

for (let run = 0; run < N_RUNS; run += 1) {
  test(`sign-in, run ${run}`, ({ page }) => measure(page, 'sign-in', '/sign-in', 'form button[type=submit]'))
  test(`home, run ${run}`, async ({ browser, page }) => {
    await enter(page)
    // A page that has drawn nothing yet, in the same session.
    const context = await browser.newContext({ storageState: await page.context().storageState() })
    const fresh = await context.newPage()
    await measure(fresh, 'home', '/', 'main h1')
    await context.close()
  })
}
