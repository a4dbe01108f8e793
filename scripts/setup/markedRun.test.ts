import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { afterEach, expect, test } from "vitest";
import { nodeCommand } from "./nodeCommand.ts";

/** A run that is told to end, as `npm test` is by CI or by `kill`: nothing of it goes on. */

/** Starts a child in its group and one in a session of its own, as `slipway up -d` does; says who is who; stays. */
const PROGRAM = `
  const { spawn } = require("node:child_process");
  const sleep = (detached) => spawn("sleep", ["600"], { detached, stdio: "inherit" }).pid;
  console.log(JSON.stringify([process.pid, sleep(false), sleep(true)]));
  if (process.argv[1] === "deaf") for (const name of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(name, () => {});
  if (process.argv[1] === "ends") process.exit(7);
  setInterval(() => {}, 1000);
`;
let started: number[] = [];
afterEach(() => {
  for (const pid of started) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Ended already, as it should be.
    }
  }
});

async function start(how: string): Promise<ChildProcess> {
  const [program, ...args] = nodeCommand("scripts/setup/markedRun.fixture.ts", PROGRAM, how);
  const runner = spawn(program, args, {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(runner.stdout, "data")) as [Buffer];
  started = JSON.parse(line.toString()) as number[];
  return runner;
}

/** A zombie has ended, too: who takes leave of it is not the run's business. */
async function living(): Promise<number[]> {
  const states = await Promise.all(
    started.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") Z");
      return stat.slice(stat.lastIndexOf(")") + 2)[0];
    }),
  );
  return started.filter((_pid, index) => states[index] !== "Z");
}

test.each([
  ["SIGTERM", "obedient", 143],
  ["SIGTERM", "deaf", 143],
  ["SIGINT", "obedient", 130],
] as const)("%s ends what a run of a program that is %s ever started", async (signal, how, exitCode) => {
  const runner = await start(how);
  expect(await living()).toEqual(started);
  const ended = once(runner, "exit");
  runner.kill(signal);
  expect(await ended).toEqual([exitCode, null]);
  await expect.poll(living, { timeout: 5_000 }).toEqual([]);
});

test("a run that ends by itself has its program's exit code, and what it left on purpose goes on", async () => {
  const runner = await start("ends");
  expect(await once(runner, "exit")).toEqual([7, null]);
  expect(await living()).toEqual(started.slice(1));
});
