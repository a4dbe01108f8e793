/**
 * node react.mjs dev | deploy | test, in a project's folder with index.html and src/main.jsx (or .tsx):
 * `dev` bundles the sources at each request that finds them changed and reloads the page, `deploy` bundles once for
 * production, `test` runs src/**\/*.test.jsx with Node's test runner. Nothing is downloaded and nothing is written
 * outside /tmp. React comes from this image unless the project has a node_modules of its own.
 */
import { watch } from "node:fs";
import { build } from "esbuild";
import { bundler, commonOptions } from "./bundle.mjs";
import { reloads } from "./reloads.mjs";
import { createSite } from "./site.mjs";
import { runTests } from "./tests.mjs";

const mode = process.argv[2];
const port = Number(process.env.PORT ?? 5173);

if (mode === "test") {
  process.exitCode = await runTests();
} else if (mode === "check") {
  await checkTools();
} else if (mode === "dev" || mode === "deploy") {
  await serve();
} else {
  console.error("Usage: node react.mjs dev|deploy|test");
  process.exitCode = 2;
}

/** Proves that the bundler runs and finds React, for the image's own check. */
async function checkTools() {
  const stdin = { contents: 'import "react-dom/client";', resolveDir: process.cwd() };
  const { outputFiles } = await build({
    ...commonOptions({ production: true }),
    stdin,
    outdir: "/out",
    write: false,
  });
  console.log(`bundled ${outputFiles[0].contents.length} bytes`);
}

async function serve() {
  const dev = mode === "dev";
  const bundle = await bundler({ production: !dev });
  const clients = reloads();
  const first = await bundle.current();
  if (first.error && !dev) {
    console.error(first.error);
    process.exit(1);
  }
  if (dev) watchSources(bundle, clients);
  const server = createSite({ bundle, clients: dev ? clients : undefined });
  server.listen(port, () => console.log(`listening on port ${server.address().port}`));
  for (const signal of ["SIGTERM", "SIGINT"]) {
    process.on(signal, () => {
      clients.close();
      server.close(() => bundle.close().then(() => process.exit(0)));
      server.closeIdleConnections();
    });
  }
}

function watchSources(bundle, clients) {
  let settling;
  watch(process.cwd(), { recursive: true }, (_event, name) => {
    if (name && /(^|\/)(node_modules|\.[^/]*)(\/|$)/.test(name)) return;
    clearTimeout(settling);
    settling = setTimeout(() => {
      bundle.invalidate();
      clients.tell();
    }, 50);
  });
}
