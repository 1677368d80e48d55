// Chromium with the flags of a closed network, and with the certificate that was checked.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type TLSSocket, connect } from 'node:tls'
import type { LaunchOptions } from '@playwright/test'
import { caFile, url } from './installation'

/**
 * Connects as a careful client: chain and name are verified with ca.pem, and anything else is an
 * error. Answers the hash of the public key that was seen, as Chromium wants it.
 */
export const checkedKey = (): Promise<string> =>
  new Promise((resolve, reject) => {
    const { port, hostname } = new URL(url)
    const options = { host: '127.0.0.1', port: Number(port), servername: hostname, ca: readFileSync(caFile) }
    const socket: TLSSocket = connect({ ...options, minVersion: 'TLSv1.2', timeout: 10_000 }, () => {
      const key = socket.getPeerX509Certificate()?.publicKey.export({ type: 'spki', format: 'der' })
      socket.end()
      if (key && socket.authorized) resolve(createHash('sha256').update(key).digest('base64'))
      else reject(new Error('the certificate was not verified'))
    })
    socket.on('timeout', () => socket.destroy(new Error('the plane does not answer')))
    socket.on('error', reject)
  })

/** Chromium has no store of our authority: it is told the one key that was just verified. */
export const chromium = async (): Promise<LaunchOptions> => ({
  executablePath: process.env.PGKEEP_E2E_CHROMIUM ?? '/usr/bin/chromium',
  chromiumSandbox: process.getuid?.() !== 0,
  args: [
    `--ignore-certificate-errors-spki-list=${await checkedKey()}`,
    '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
  ],
})
