import react from '@vitejs/plugin-react'
import { type Plugin, defineConfig } from 'vite'

// `npm run dev` talks to the mock, or to a real plane named in PGKEEP_URL.
const target = process.env.PGKEEP_URL ?? 'http://127.0.0.1:8444'

/**
 * With each of its own marks the language service of Kusto wipes every red line from the text, also
 * those of the plane. Its marks are replaced without that; the build stops when it changed.
 */
const keepMarks: Plugin = {
  name: 'pgkeep-keep-marks',
  transform(code, id) {
    if (!id.includes('monaco-kusto/release/esm/languageFeatures.js')) return undefined
    const wipes = /model\.deltaDecorations\(oldDecorations, \[\]\);(?=\s+_this\._monacoInstance\.editor\.setModelMarkers\(model, languageId, markers\))/
    if (!wipes.test(code)) throw new Error('monaco-kusto no longer wipes marks as it did: look at keepMarks')
    return { code: code.replace(wipes, ''), map: null }
  },
}

export default defineConfig({
  plugins: [react(), keepMarks],
  // The language service of Kusto was made for another place than a worker.
  define: { global: 'globalThis' },
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    // The portal's policy allows no data: scripts and fonts; nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 800,
    // All that the first page needs lies in one piece: a further page does not cut it into more.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'first', tags: ['$initial'] }] } } },
  },
  server: { proxy: { '/api': { target, secure: false, changeOrigin: true } } },
})
