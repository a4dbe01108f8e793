import { join } from "node:path";
import type { SelfHosted } from "../setup/backendUrl.ts";
import { runCommand } from "../setup/command.ts";
import { REPOSITORY } from "../setup/dataDir.ts";
import type { Progress } from "../progress/progress.mjs";
import { track } from "../progress/progress.mjs";

const CLI = join(REPOSITORY, "node_modules/convex/bin/main.js");
const DEADLINE_MS = 3 * 60_000;

/**
 * Sets the deployment's variables and pushes `convex/` to a backend that the user runs, with Convex's own CLI.
 * @throws SetupError with the CLI's last lines
 */
export async function deployTo(
  { url, adminKey }: SelfHosted,
  variables: Record<string, string>,
  progress: Progress,
): Promise<void> {
  await track(progress, `Deploying the functions to ${url}`, async (step) => {
    const env = { ...process.env, CONVEX_SELF_HOSTED_URL: url, CONVEX_SELF_HOSTED_ADMIN_KEY: adminKey };
    const convex = async (...args: string[]) =>
      await runCommand(process.execPath, [CLI, ...args], {
        deadlineMs: DEADLINE_MS,
        cwd: REPOSITORY,
        env,
        onLine: (line) => step.detail(line),
      });
    // auth.config.ts reads SLIPWAY_JWKS at push time, so the variables go first.
    for (const [name, value] of Object.entries(variables)) await convex("env", "set", name, value);
    // The checkout is checked and generated already; a deployment leaves its files alone.
    await convex("deploy", "--yes", "--typecheck", "disable", "--codegen", "disable");
  });
}
