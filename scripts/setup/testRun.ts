import path from "node:path";
import { pathToFileURL } from "node:url";
import { elapsed } from "../progress/elapsed.mjs";
import { createProgress } from "../progress/progress.mjs";
import { REPOSITORY } from "./dataDir.ts";
import { markedRun } from "./markedRun.ts";
import { nodeCommand } from "./nodeCommand.ts";
import { ensurePrerequisites } from "./prerequisites.ts";
import { SetupError } from "./setupError.ts";

const CHECK_DEADLINE_MS = 40 * 60_000;
const SILENCE_MS = 3_500;

/** What runs beside the tests, gives way to them, and is told after them: it has what they leave idle. */
type Check = { title: string; /** Node's. */ args: string[] };
const packaged = (script: string) => path.join(REPOSITORY, "node_modules", script);
const STATIC_CHECKS: Check[] = [
  {
    title: "format (prettier)",
    args: [packaged("prettier/bin/prettier.cjs"), "--check", "--log-level=warn", "."],
  },
  { title: "lint (eslint)", args: [packaged("eslint/bin/eslint.js"), "."] },
  // One thread: it takes no more than half of what several do, and the other core is the tests'.
  { title: "types (tsc)", args: [packaged("typescript-native/bin/tsc"), "--singleThreaded"] },
];

/** Nearly all that a seed makes is gone at its end: in a larger nursery it dies before it costs a copy. */
const NURSERY = "--max-semi-space-size=32";
/** The worker against a machine on which everything goes wrong, once for each of two cores. */
const SIMULATIONS: Check[] = [1, 1001].map((from) => {
  const [, ...command] = nodeCommand("scripts/simulate/simulate.ts", "--from", `${from}`, "--seeds", "1000");
  return { title: `simulation (seeds ${from} to ${from + 999})`, args: [NURSERY, ...command] };
});

/** Without arguments: everything but what `npm run test:long` is for. */
const chosen = process.argv.slice(2);
const vitestArguments =
  chosen.length > 0
    ? chosen
    : ["unit", "convex", "embedded", "control", "e2e"].map((name) => `--project=${name}`);
const checks = chosen.length > 0 ? STATIC_CHECKS : [...STATIC_CHECKS, ...SIMULATIONS];
process.exitCode = await runAll();

/** @returns the exit code: 0 only when every check and every test passed. */
async function runAll(): Promise<number> {
  if (needsDocker(vitestArguments)) {
    section("set-up");
    if (!(await setUp())) return 1;
  }
  // They take six minutes of one core; the end-to-end tests leave about as much of two idle.
  const begun = checks.map((check) => ({ ...check, ended: runCheck(check) }));
  section("tests");
  const tests = await runTests();
  section("checks, made beside the tests");
  const passed = await reportChecks(begun);
  if (tests !== 0) process.stderr.write("\n✗ Tests failed: they stand above the checks.\n");
  return passed ? tests : 1;
}

/** Everything but the end-to-end tests does without; `--project unit` is then enough to say so. */
function needsDocker(args: readonly string[]): boolean {
  const projects = args.flatMap((arg, index) =>
    arg === "--project"
      ? [args[index + 1]]
      : arg.startsWith("--project=")
        ? [arg.slice("--project=".length)]
        : [],
  );
  return (
    projects.length === 0 ||
    projects.some((name) => !["unit", "convex", "embedded", "control", "long"].includes(name ?? ""))
  );
}

async function setUp(): Promise<boolean> {
  const progress = createProgress();
  try {
    const { engine, images } = await ensurePrerequisites({ progress });
    progress.note(`✓ Docker Engine ${engine.version}, ${images.length} images`);
    return true;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`${error.message}\n${error.fix}\n`);
    return false;
  } finally {
    progress.close();
  }
}

type Ended = { passed: boolean; lines: string[] };

async function runCheck({ args }: Check): Promise<Ended> {
  const output: Buffer[] = [];
  const givingWay = pathToFileURL(path.join(REPOSITORY, "scripts/setup/givingWay.mjs")).href;
  const code = await markedRun(process.execPath, ["--import", givingWay, ...args], {
    cwd: REPOSITORY,
    env: { NO_COLOR: "1" },
    deadlineMs: CHECK_DEADLINE_MS,
    onOutput: (chunk) => output.push(chunk),
  });
  const lines = Buffer.concat(output).toString().trimEnd().split("\n");
  return { passed: code === 0, lines };
}

/** Waits for what still runs. @returns whether all passed; what one that did not has printed stands below it. */
async function reportChecks(begun: readonly { title: string; ended: Promise<Ended> }[]): Promise<boolean> {
  const progress = createProgress();
  try {
    const results = await Promise.all(
      begun.map(async ({ title, ended }) => {
        const step = progress.step(title);
        const { passed, lines } = await ended;
        if (passed) step.done();
        else step.fail();
        for (const line of passed ? [] : lines) progress.note(line);
        return passed;
      }),
    );
    return results.every((passed) => passed);
  } finally {
    progress.close();
  }
}

/**
 * vitest's output comes through as it is, so that its closing summary is what a reader sees last. On a terminal it shows
 * by itself that it lives; elsewhere a file that takes long would be silent, and a line says that it is still going.
 */
function runTests(): Promise<number> {
  const vitest = path.join(REPOSITORY, "node_modules/vitest/vitest.mjs");
  const startedAt = performance.now();
  let heard = startedAt;
  const silence = setInterval(() => {
    if (process.stdout.isTTY || performance.now() - heard < SILENCE_MS) return;
    heard = performance.now();
    process.stderr.write(`  … tests (${elapsed(heard - startedAt)})\n`);
  }, 1_000);
  const onOutput = (chunk: Buffer, stream: "stdout" | "stderr") => {
    heard = performance.now();
    process[stream].write(chunk);
  };
  return markedRun(process.execPath, [vitest, "run", ...vitestArguments], {
    cwd: REPOSITORY,
    ...(!process.stdout.isTTY && { onOutput }),
  }).finally(() => clearInterval(silence));
}

function section(title: string): void {
  process.stderr.write(`\n── ${title} ${"─".repeat(Math.max(0, 70 - title.length))}\n`);
}
