// Pictures of pages for looking at: node dev/shots.mjs BASE_URL OUT_DIR [theme] PATH…
import { mkdirSync } from 'node:fs'
import { chromium } from 'playwright-core'

const [base, out, theme, ...paths] = process.argv.slice(2)
mkdirSync(out, { recursive: true })
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
const width = Number(process.env.WIDTH ?? 1360)
const page = await browser.newPage({ viewport: { width, height: 860 }, ignoreHTTPSErrors: true })
page.on('console', (m) => m.type() === 'error' && console.log('console:', m.text().slice(0, 300)))
page.on('pageerror', (e) => console.log('error:', e.message))
await page.addInitScript((t) => localStorage.setItem('pgkeep.theme', t), theme)
for (const path of paths) {
  await page.goto(base + path)
  await page.waitForLoadState('networkidle').catch(() => {})
  await page.waitForTimeout(400)
  const name = `${path.replaceAll(/[^a-z0-9]+/gi, '-').replaceAll(/^-|-$/g, '') || 'home'}-${theme}.png`
  await page.screenshot({ path: `${out}/${name}` })
  console.log(name)
}
await browser.close()
