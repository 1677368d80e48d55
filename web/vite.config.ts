import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
// @ts-expect-error: a script of the build, without types.
import { keepMarks, noBlock, oneQuery } from './dev/kusto.mjs'

// `npm run dev` talks to the mock, or to a real plane named in PGKEEP_URL.
const target = process.env.PGKEEP_URL ?? 'http://127.0.0.1:8444'

export default defineConfig({
  plugins: [react(), keepMarks(), noBlock()],
  // The language service of Kusto was made for another place than a worker.
  define: { global: 'globalThis' },
  worker: { format: 'es', plugins: () => [oneQuery()] },
  build: {
    target: 'es2022',
    // The portal's policy allows no data: scripts and fonts; nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // The editor of logs; what the first page takes is measured by `cargo xtask bench portal`.
    chunkSizeWarningLimit: 3400,
    // All that the first page needs lies in one piece: a further page does not cut it into more.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'first', tags: ['$initial'] }] } } },
  },
  // What the worker needs and is no module.
  optimizeDeps: {
    include: [
      'xregexp', '@kusto/language-service/bridge.min', '@kusto/language-service/Kusto.JavaScript.Client.min',
      '@kusto/language-service/newtonsoft.json.min', '@kusto/language-service-next/Kusto.Language.Bridge.min',
    ],
  },
  server: { proxy: { '/api': { target, secure: false, changeOrigin: true } } },
})
