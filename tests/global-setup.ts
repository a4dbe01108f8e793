import { createProgress } from "../scripts/progress/progress.mjs";
import { ensurePrerequisites } from "../scripts/setup/prerequisites.ts";

/** End-to-end tests run against a real engine with the real images; both are made here when they are missing. */
export async function setup(): Promise<void> {
  const progress = createProgress();
  try {
    await ensurePrerequisites({ progress });
  } finally {
    progress.close();
  }
}
