import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig, type ServerOptions } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** `npm run dashboard:build` builds the page; `npm run dashboard:dev` serves it while it is worked on. */
export default defineConfig(({ command }) => ({
  root: here("."),
  plugins: [react()],
  ...(command === "serve" && { server: { proxy: toRunningInstance() } }),
  build: {
    // The build takes its place as a whole: scripts/dashboard/build.ts.
    outDir: process.env.SLIPWAY_DASHBOARD_OUT ?? here("./dist"),
    emptyOutDir: true,
    // Nothing is inlined: the page's policy allows no data: scripts and fonts.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
  },
}));

/** All that is no file of the page comes from the instance that runs here, as if the page were its own. */
function toRunningInstance(): ServerOptions["proxy"] {
  const file = `${process.env.SLIPWAY_DATA || here("../data")}/instance.json`;
  let httpPort: number;
  try {
    ({ httpPort } = JSON.parse(readFileSync(file, "utf8")) as { httpPort: number });
  } catch (cause) {
    throw new Error(`There is no Slipway to look at (${file}). Start it first: npm start`, { cause });
  }
  const target = `http://localhost:${httpPort}`;
  const proxied = { target, changeOrigin: true, ws: true, headers: { origin: target } };
  return { "/api": proxied, "/door": proxied, "/slipway.json": proxied };
}
