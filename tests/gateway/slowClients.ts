import { execFile } from "node:child_process";
import http from "node:http";
import { promisify } from "node:util";
import { ask } from "./client.ts";
import type { Program } from "./debianPrograms.ts";

/** slowhttptest at its worst, and others who ask meanwhile. */

const run = promisify(execFile);
const CONNECTIONS = 1000;
const ATTACK_SECONDS = 12;
const ATTACK_WITHIN_MS = 60_000;

/** What is slow: slowhttptest's option for it, and where `upstream.mjs` waits for it. It answers without a body elsewhere. */
export const SLOW_KINDS = {
  headers: { option: "-H", path: "/" },
  bodies: { option: "-B", path: "/upload" },
  reading: { option: "-X", path: "/" },
} as const;
export type SlowKind = keyof typeof SLOW_KINDS;

/**
 * Opens 1,000 connections to what is at `base` in two seconds and is slow on each for as long as it is let, 12 s at most.
 * @returns how many were open at once, as far as slowhttptest tells
 * @throws Error where it cannot be run
 */
export async function attackSlowly({ path, env }: Program, kind: SlowKind, base: string): Promise<number> {
  const options = ["-c", `${CONNECTIONS}`, "-r", "500", "-i", "2", "-l", `${ATTACK_SECONDS}`, "-x", "24"];
  const { option, path: slowPath } = SLOW_KINDS[kind];
  const { stdout } = await run(path, [option, ...options, "-u", base + slowPath], {
    env,
    timeout: ATTACK_WITHIN_MS,
  }).catch((error: Error & { code?: unknown; stdout?: string }) => {
    // How it ends is its verdict, in a number; anything else is that it did not run.
    if (typeof error.code !== "number") throw error;
    return { stdout: error.stdout ?? "" };
  });
  // It colours what it prints.
  const plain = stdout.replace(/\u001b\[[0-9;]*m/g, "");
  return Math.max(0, ...[...plain.matchAll(/connected:\s+(\d+)/g)].map(([, count]) => Number(count)));
}

export type Users = { tookMs: number[]; failed: string[] };

/** Requests for `path`, one after another over one connection and over new ones in turn, until `stop`. */
export function startUsers(port: number, path: string): { stop: () => Promise<Users> } {
  const agent = new http.Agent({ keepAlive: true });
  const users: Users = { tookMs: [], failed: [] };
  let going = true;
  const asking = (async () => {
    while (going) {
      const started = performance.now();
      const outcome = await ask(port, path, users.tookMs.length % 2 ? { agent } : {}).then(
        ({ status }) => String(status),
        (error: unknown) => String(error),
      );
      if (outcome !== "200") users.failed.push(outcome);
      users.tookMs.push(performance.now() - started);
    }
  })();
  const stop = async () => {
    going = false;
    await asking;
    agent.destroy();
    return users;
  };
  return { stop };
}
