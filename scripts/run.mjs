#!/usr/bin/env node
/** node scripts/run.mjs <file.ts> …: sets up what is missing, then runs that file in this process. */
import { nodeVersionProblem } from "./setup/nodeVersion.mjs";

const problem = nodeVersionProblem(process.versions.node, process.execPath);
if (problem) {
  console.error(problem);
  process.exit(1);
}
const [file, ...args] = process.argv.slice(2);
if (file === undefined) {
  console.error("Usage: node scripts/run.mjs <file.ts> [argument …]");
  process.exit(2);
}
const { resolve } = await import("node:path");
const { failed, runTypeScript } = await import("./setup/bootstrap.mjs");
await runTypeScript(resolve(file), args).catch(failed);
