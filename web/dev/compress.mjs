// Writes NAME.br and NAME.gz beside every text asset of dist, so that nobody compresses per request.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const dist = new URL('../dist', import.meta.url).pathname
const TEXT = /\.(html|js|css|svg|json|webmanifest)$/
let raw = 0
let br = 0

const walk = (dir) => {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name)
    if (statSync(path).isDirectory()) walk(path)
    else if (TEXT.test(name)) write(path)
  }
}

const write = (path) => {
  const bytes = readFileSync(path)
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }
  const brotli = brotliCompressSync(bytes, quality)
  raw += bytes.length
  br += brotli.length
  writeFileSync(`${path}.br`, brotli)
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }))
}

walk(dist)
console.log(`assets: ${Math.round(raw / 1024)} KiB, brotli ${Math.round(br / 1024)} KiB`)
