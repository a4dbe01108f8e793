#!/usr/bin/env node
/** The command `slipway`: sets up what is missing, then runs scripts/cli/main.ts in this process. */
import { nodeVersionProblem } from "./setup/nodeVersion.mjs";

const problem = nodeVersionProblem(process.versions.node, process.execPath);
if (problem) {
  console.error(problem);
  process.exit(1);
}
const { failed, root, runTypeScript } = await import("./setup/bootstrap.mjs");
await runTypeScript(`${root}/scripts/cli/main.ts`, process.argv.slice(2)).catch(failed);
