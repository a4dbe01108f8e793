import Docker from "dockerode";
import { createProgress, track } from "../scripts/progress/progress.mjs";
import type { Progress } from "../scripts/progress/progress.mjs";
import { ensureChromium } from "../scripts/setup/chromium.ts";
import { ensurePrerequisites } from "../scripts/setup/prerequisites.ts";
import { SetupError } from "../scripts/setup/setupError.ts";
import { sweepLeftovers } from "./leftovers/sweep.ts";

/**
 * End-to-end tests run against a real engine with the real images, and in a real browser; what is missing is made here,
 * and what earlier runs left goes.
 */
export async function setup(): Promise<void> {
  const progress = createProgress();
  try {
    await ensurePrerequisites({ progress });
    await ensureBrowser(progress);
    for (const removed of await sweepLeftovers(new Docker())) progress.note(`✓ ${removed}`);
  } finally {
    progress.close();
  }
}

/** A file that failed while it began may have left what it had noted. */
export async function teardown(): Promise<void> {
  await sweepLeftovers(new Docker());
}

/** The dashboard's tests alone need it: where it cannot be had, they fail and say so, and all others run. */
async function ensureBrowser(progress: Progress): Promise<void> {
  try {
    await track(progress, "Chromium", async (step) => {
      await ensureChromium((line) => step.detail(line));
    });
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    progress.note(`${error.message} ${error.fix}`);
  }
}
