// Builds the demo into dist/demo, as files that any static server can serve under any path.
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  base: './',
  plugins: [react()],
  build: {
    outDir: '../dist/demo',
    emptyOutDir: true,
    // Asked for only where there is no WebSocket, which no browser lacks.
    rolldownOptions: { external: ['ws'] },
  },
})
