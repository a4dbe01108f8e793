#!/usr/bin/env node
/** The command `slipway`: sets up what is missing, then runs scripts/cli/main.ts in this process. */
import { setFlagsFromString } from "node:v8";
import { nodeVersionProblem } from "./setup/nodeVersion.mjs";

const problem = nodeVersionProblem(process.versions.node, process.execPath);
if (problem) {
  console.error(problem);
  process.exit(1);
}
// Node's fetch reads answers by WebAssembly. That it is made quicker in the background serves who fetches thousands of
// times; a command that has said all would wait a quarter of a second for it before it ends.
setFlagsFromString("--liftoff-only");
const { failed, root, runTypeScript } = await import("./setup/bootstrap.mjs");
await runTypeScript(`${root}/scripts/cli/main.ts`, process.argv.slice(2)).catch(failed);
