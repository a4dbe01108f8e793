/** npm run dashboard:build: builds the dashboard where its sources have changed; a running Slipway serves it at once. */
import { createProgress } from "../progress/progress.mjs";
import { ensureDashboard } from "./build.ts";

const progress = createProgress();
try {
  if (!(await ensureDashboard({ progress }))) progress.note("✓ The dashboard is up to date");
} catch (error) {
  progress.close();
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  progress.close();
}
