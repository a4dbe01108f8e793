/** What every entry does before its own code: packages in step, TypeScript loadable. Plain JavaScript, no packages. */
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createProgress } from "../progress/progress.mjs";
import { ensurePackages } from "./packages.mjs";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** Installs what is missing. */
async function prepare() {
  const progress = createProgress();
  try {
    await ensurePackages(root, progress);
  } finally {
    progress.close();
  }
}

/** Runs a TypeScript file in this process, as if node had been started with it. */
export async function runTypeScript(file, args) {
  process.argv = [process.execPath, file, ...args];
  await prepare();
  const { compile } = await import("./compile.mjs");
  const compiled = await compile(root, file);
  // What goes wrong is told in lines of the sources.
  process.setSourceMapsEnabled(true);
  await import(pathToFileURL(compiled).href);
}

/** Ends an entry that could not even begin: one message, no stack. */
export function failed(error) {
  process.stderr.write(`${process.env.SLIPWAY_DEBUG ? error.stack : error.message}\n`);
  process.exitCode = 1;
}
