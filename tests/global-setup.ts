import Docker from "dockerode";
import { createProgress } from "../scripts/progress/progress.mjs";
import { ensurePrerequisites } from "../scripts/setup/prerequisites.ts";
import { sweepLeftovers } from "./leftovers/sweep.ts";

/**
 * End-to-end tests run against a real engine with the real images; what is missing is made here, and what earlier runs
 * left goes. The browser is installed by the tests that look through one: most runs have none of them.
 */
export async function setup(): Promise<void> {
  const progress = createProgress();
  try {
    await ensurePrerequisites({ progress });
    for (const removed of await sweepLeftovers(new Docker())) progress.note(`✓ ${removed}`);
  } finally {
    progress.close();
  }
}

/** A file that failed while it began may have left what it had noted. */
export async function teardown(): Promise<void> {
  await sweepLeftovers(new Docker());
}
