// Pictures of every page, light and dark, for docs/guide.
import { mkdirSync, writeFileSync } from 'node:fs'
import { furnish, pages, signIn } from '../lib/pages'
import { enter, settled, test } from '../lib/session'

const folder = process.env.PGKEEP_E2E_PICTURES ?? ''
const dashed = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

test.beforeAll(furnish)

for (const theme of ['light', 'dark']) {
  test(theme, async ({ page }) => {
    test.skip(!folder, 'no folder for pictures')
    mkdirSync(folder, { recursive: true })
    await page.addInitScript((choice) => localStorage.setItem('pgkeep.theme', choice), theme)
    await page.emulateMedia({ reducedMotion: 'reduce' })
    const wire = await page.context().newCDPSession(page)
    const shoot = async (name: string, path: string) => {
      await page.goto(path)
      await settled(page)
      await page.evaluate(() => document.fonts.ready)
      const { data } = await wire.send('Page.captureScreenshot', { format: 'webp', quality: 82 })
      writeFileSync(`${folder}/${dashed(name)}-${theme}.webp`, Buffer.from(data, 'base64'))
    }
    await shoot(signIn.name, signIn.path)
    await enter(page)
    for (const { name, path } of pages) await shoot(name, path)
  })
}
