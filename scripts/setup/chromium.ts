import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { aptInstall } from "./aptInstall.ts";
import { SetupError } from "./setupError.ts";

const run = promisify(execFile);
const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const LOOK_MS = 10_000;

/**
 * The path of a Chromium, for tests and screenshots; installed from the distribution's packages where there is none.
 * @throws SetupError where it is missing and cannot be installed
 */
export async function ensureChromium(onLine: (line: string) => void = () => {}): Promise<string> {
  const there = await onPath();
  if (there !== null) return there;
  if (process.getuid?.() !== 0) {
    throw new SetupError(
      "chromium-missing",
      "There is no Chromium here, and only root can install it.",
      "Install it: apt-get install chromium",
    );
  }
  await aptInstall(["chromium"], onLine);
  const installed = await onPath();
  if (installed !== null) return installed;
  throw new SetupError(
    "chromium-missing",
    "The package chromium is installed, but there is no such program.",
    "Install Chromium yourself, so that `chromium` is on PATH.",
  );
}

async function onPath(): Promise<string | null> {
  for (const name of NAMES) {
    try {
      const { stdout } = await run("/bin/sh", ["-c", 'command -v "$0"', name], { timeout: LOOK_MS });
      return stdout.trim();
    } catch {
      // The next one.
    }
  }
  return null;
}
