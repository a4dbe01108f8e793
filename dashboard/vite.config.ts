import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** `npm run dashboard:build` builds the page; `npm run dashboard:dev` serves it while it is worked on. */
export default defineConfig({
  root: here("."),
  plugins: [react()],
  build: {
    outDir: process.env.SLIPWAY_DASHBOARD_OUT ?? here("./dist"),
    emptyOutDir: true,
    // Nothing is inlined: the page's policy allows no data: scripts and fonts.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
  },
});
