import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { context, formatMessages } from "esbuild";

const ENTRIES = ["src/main.tsx", "src/main.jsx", "src/main.ts", "src/main.js"];
/** Where React comes from when the project has no node_modules of its own. */
const IMAGE_MODULES = fileURLToPath(new URL("node_modules", import.meta.url));
const SHOWN = ["SLIPWAY_PROJECT", "SLIPWAY_NAMESPACE", "SLIPWAY_ENVIRONMENT", "SLIPWAY_BASE_PATH"];

/** What a source says as `process.env.SLIPWAY_PROJECT`; nothing else of the environment reaches the browser. */
const variables = () =>
  Object.fromEntries(SHOWN.map((name) => [`process.env.${name}`, JSON.stringify(process.env[name] ?? "")]));

export const commonOptions = ({ production }) => ({
  bundle: true,
  nodePaths: [IMAGE_MODULES],
  jsx: "automatic",
  jsxDev: !production,
  define: {
    ...variables(),
    "process.env.NODE_ENV": JSON.stringify(production ? "production" : "development"),
  },
  loader: { ".svg": "file", ".png": "file", ".jpg": "file", ".webp": "file", ".woff2": "file" },
  logLevel: "silent",
});

/**
 * The project's bundle, made when asked for and remembered until `invalidate`.
 * `current()` gives `{ files: Map<path, Uint8Array>, error? }`.
 */
export async function bundler({ production, folder = process.cwd() }) {
  const entry = ENTRIES.find((name) => existsSync(path.join(folder, name))) ?? ENTRIES[0];
  const builder = await context({
    ...commonOptions({ production }),
    absWorkingDir: folder,
    entryPoints: { app: entry },
    outdir: "/out",
    format: "esm",
    target: "es2022",
    splitting: true,
    publicPath: ".",
    minify: production,
    sourcemap: production ? false : "inline",
    write: false,
  });
  let made;

  const build = async () => {
    try {
      const result = await builder.rebuild();
      const files = result.outputFiles.map((file) => [path.relative("/out", file.path), file.contents]);
      return { files: new Map(files) };
    } catch (failure) {
      const lines = await formatMessages(failure.errors ?? [{ text: String(failure) }], { kind: "error" });
      return { files: new Map(), error: lines.join("\n") };
    }
  };

  return {
    current: () => (made ??= build()),
    invalidate() {
      made = undefined;
    },
    close: () => builder.dispose(),
  };
}
