import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { SetupError } from "../setup/setupError.ts";
import { distributionSources, parseDeb822Sources, parseOneLineSources } from "./aptSources.ts";
import type { AptSource } from "./aptSources.ts";

/**
 * The apt sources of this machine's own distribution release, from `/etc/apt`.
 * @throws SetupError `image-build-failed` when there are none (no Debian or Ubuntu, or only third parties' lists).
 */
export async function machineSources(
  etcApt = "/etc/apt",
  osRelease = "/etc/os-release",
): Promise<AptSource[]> {
  const release = await readFile(osRelease, "utf8").catch(() => "");
  const codename = /^VERSION_CODENAME="?([A-Za-z0-9._-]+)"?$/m.exec(release)?.[1];
  const all: AptSource[] = parseOneLineSources(
    await readFile(path.join(etcApt, "sources.list"), "utf8").catch(() => ""),
  );
  const folder = path.join(etcApt, "sources.list.d");
  for (const name of (await readdir(folder).catch(() => [])).sort()) {
    if (name.endsWith(".list"))
      all.push(...parseOneLineSources(await readFile(path.join(folder, name), "utf8")));
    if (name.endsWith(".sources"))
      all.push(...parseDeb822Sources(await readFile(path.join(folder, name), "utf8")));
  }
  const own = codename === undefined ? [] : distributionSources(all, codename);
  if (own.length === 0) {
    throw new SetupError(
      "image-build-failed",
      codename === undefined
        ? "No registry answers, and this machine is no Debian or Ubuntu whose packages could make the images"
        : `No registry answers, and ${etcApt} has no source of the distribution's own release "${codename}"`,
      "Connect the engine to a registry (SLIPWAY_REGISTRY=host[:port] names a mirror), or add the distribution's sources to /etc/apt.",
    );
  }
  return own;
}
