/** The fixture app on a backend of its own, and ways to wait for it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { startBackend, type BackendOptions, type RunningBackend } from "../server.ts";

export const FIXTURE_DIR = fileURLToPath(new URL("../fixtures/app/convex", import.meta.url));

/** Starts the fixture app on free ports, in memory unless `dbPath` says otherwise. */
export const startFixture = (options: Partial<BackendOptions> = {}): Promise<RunningBackend> =>
  startBackend({ dir: FIXTURE_DIR, dbPath: ":memory:", sitePort: 0, adminKey: "fixture|secret", ...options });

/** A folder that is removed by the returned function. */
export function temporaryFolder(): { path: string; remove(): void } {
  const made = mkdtempSync(path.join(tmpdir(), "convex-embedded-"));
  return { path: made, remove: () => rmSync(made, { recursive: true, force: true }) };
}

const POLL_MS = 10;

/** Waits until `read` gives something other than null, undefined or false. */
export async function until<T>(
  what: string,
  read: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  timeoutMs = 10_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (value !== null && value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
