import { markedRun } from "./markedRun.ts";

/** Runs JavaScript as `npm test` runs vitest, for markedRun.test.ts: `… <source text> <argument>`. */

const onOutput = (chunk: Buffer) => process.stdout.write(chunk);
const args = ["-e", ...process.argv.slice(2)];
process.exitCode = await markedRun(process.execPath, args, { cwd: "/", onOutput, graceMs: 500 });
