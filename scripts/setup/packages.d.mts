import type { Progress } from "../progress/progress.mjs";

/**
 * Installs the npm packages of `root` when they are missing or out of step with its package-lock.json, one process at
 * a time, and links the command `slipway` for npx.
 * @returns whether anything was installed
 * @throws Error with npm's last lines and what to do
 */
export function ensurePackages(root: string, progress: Progress): Promise<boolean>;
