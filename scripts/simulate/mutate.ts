import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { MUTATIONS, type Mutation } from "./mutations.ts";

/**
 * npm run simulate:mutations -- [--seeds N] [--only WORDS]: makes one fault after the other in a copy of the code, and
 * says at which seed the simulation finds it, as rows of a Markdown table. Ends with 1 where one can no longer be made.
 */

const DEFAULT_SEEDS = 200;
/** What does not end by then has gone round in circles. */
const LIMIT_MS = 30 * 60_000;
const COPIED = [
  ...["core", "convex", "worker", "docker", "scripts"],
  ...["package.json", "package-lock.json", "tsconfig.json"],
];

const { values } = parseArgs({ options: { seeds: { type: "string" }, only: { type: "string" } } });
const seeds = values.seeds ?? String(DEFAULT_SEEDS);
const root = resolve(fileURLToPath(import.meta.url), "../../..");
const copy = await mkdtemp(join(tmpdir(), "slipway-mutations-"));
try {
  for (const name of COPIED) await cp(join(root, name), join(copy, name), { recursive: true });
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  for (const mutation of MUTATIONS) {
    if (values.only !== undefined && !mutation.what.includes(values.only)) continue;
    console.log(`| ${mutation.what} | \`${mutation.file}\` | ${await outcomeOf(mutation)} |`);
  }
} finally {
  await rm(copy, { recursive: true, force: true });
}

async function outcomeOf({ file, from, to }: Mutation): Promise<string> {
  const path = join(copy, file);
  const original = await readFile(path, "utf8");
  const parts = original.split(from);
  if (parts.length !== 2) {
    process.exitCode = 1;
    return "cannot be made any more";
  }
  await writeFile(path, parts.join(to));
  try {
    return await run();
  } finally {
    await writeFile(path, original);
  }
}

async function run(): Promise<string> {
  const args = ["scripts/run.mjs", "scripts/simulate/simulate.ts", "--first", "--seeds", seeds];
  const child = spawn(process.execPath, args, {
    cwd: copy,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: LIMIT_MS,
  });
  const closed = once(child, "close"); // its streams may end before its exit code is known
  const [out, complaint] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  if (child.signalCode !== null) return "it does not end";
  if (child.exitCode === 0) return `not found in ${seeds} seeds`;
  const said =
    out.trim() ||
    complaint
      .trim()
      .split("\n")
      .find((line) => /error/i.test(line)) ||
    complaint.trim();
  return said.split("\n")[0]!.replaceAll("|", "\\|").slice(0, 240);
}
