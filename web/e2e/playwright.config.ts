// The portal in Debian's Chromium, on the installation that `cargo xtask test portal` started.
import { defineConfig } from '@playwright/test'
import { chromium } from './lib/browser'
import { seen, url } from './lib/installation'

export default defineConfig({
  testDir: '.',
  outputDir: `${seen}/results`,
  // One installation, one after the other.
  workers: 1,
  fullyParallel: false,
  retries: 0,
  forbidOnly: true,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [['list']],
  use: {
    baseURL: url,
    actionTimeout: 20_000,
    locale: 'en-GB',
    timezoneId: 'UTC',
    viewport: { width: 1366, height: 900 },
    permissions: ['clipboard-read', 'clipboard-write'],
    screenshot: 'only-on-failure',
    trace: 'retain-on-failure',
    launchOptions: await chromium(),
  },
  projects: [
    { name: 'journey', testMatch: 'journey/*.spec.ts' },
    { name: 'accessibility', testMatch: 'accessibility/*.spec.ts' },
    // Not tests: `cargo xtask bench portal`, `cargo xtask gen screenshots`.
    { name: 'first-page', testMatch: 'tools/first-page.ts' },
    { name: 'pictures', testMatch: 'tools/pictures.ts', timeout: 600_000 },
  ],
})
