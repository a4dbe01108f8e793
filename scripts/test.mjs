#!/usr/bin/env node
/** `npm test`: sets up what is missing, checks format, lint and types, then runs the tests. Arguments go to vitest. */
import { nodeVersionProblem } from "./setup/nodeVersion.mjs";

const problem = nodeVersionProblem(process.versions.node, process.execPath);
if (problem) {
  console.error(problem);
  process.exit(1);
}
const { failed, root, runTypeScript } = await import("./setup/bootstrap.mjs");
await runTypeScript(`${root}/scripts/setup/testRun.ts`, process.argv.slice(2)).catch(failed);
