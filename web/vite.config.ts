import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// `npm run dev` talks to the mock, or to a real plane named in PGKEEP_URL.
const target = process.env.PGKEEP_URL ?? 'http://127.0.0.1:8444'

export default defineConfig({
  plugins: [react()],
  // The language service of Kusto was made for another place than a worker.
  define: { global: 'globalThis' },
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    // The portal's policy allows no data: scripts and fonts; nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { '/api': { target, secure: false, changeOrigin: true } } },
})
