import { spawn } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { dataPaths, ensurePrivateFolder, writePrivateFile } from "../../setup/dataDir.ts";

/** Whether somebody sits in front of this machine who could see a browser. */
export function hasDisplay(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): boolean {
  if (platform === "darwin") return environment.SSH_CONNECTION === undefined;
  return Boolean(environment.DISPLAY || environment.WAYLAND_DISPLAY);
}

/**
 * Opens `url` in the desktop's browser. It goes through a file that only its owner may read: everybody on a machine sees
 * what programs are started with.
 * @returns whether a browser was asked; that it then shows something nobody knows
 */
export async function openBrowser(dataDir: string, url: string): Promise<boolean> {
  const { run } = dataPaths(dataDir);
  await ensurePrivateFolder(run);
  const page = join(run, "open.html");
  await writePrivateFile(page, redirectPage(url));
  const program = process.platform === "darwin" ? "open" : "xdg-open";
  const child = spawn(program, [pathToFileURL(page).href], { stdio: "ignore", detached: true });
  return await new Promise((resolve) => {
    child.once("error", () => resolve(false));
    child.once("spawn", () => {
      child.unref();
      resolve(true);
    });
  });
}

/** @param url of our own making: letters, digits and what is in an address */
function redirectPage(url: string): string {
  const shown = url.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  return (
    `<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">` +
    `<meta http-equiv="refresh" content="0; url=${shown}"><title>Slipway</title><a href="${shown}">Open Slipway</a>\n`
  );
}
