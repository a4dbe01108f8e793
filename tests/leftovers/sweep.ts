import { execFile } from "node:child_process";
import { access, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type Docker from "dockerode";
import { REPOSITORY } from "../../scripts/setup/dataDir.ts";
import { ownedResources, removeOwned } from "../../scripts/supervisor/owned.ts";
import { LoopDisks } from "../../worker/disks/loopDisks.ts";
import { removeFirewall } from "../../worker/firewall/firewall.ts";
import { removeWires } from "../../worker/firewall/outside.ts";
import { LEDGER, orphanedNotes, type Note } from "./ledger.ts";

const PURGE_MS = 240_000;

/** Removes everything of instances whose test process is no more. @returns what was removed, each a sentence */
export async function sweepLeftovers(docker: Docker, folder = LEDGER): Promise<string[]> {
  const done: string[] = [];
  for (const { path, note } of await orphanedNotes(folder)) {
    if (await exists(join(note.dataDir, "instance.json"))) await purge(note.dataDir);
    if (note.instanceId !== null) await removeInstance(docker, note.instanceId);
    await removeData(note);
    await rm(path, { force: true });
    done.push(`Removed what a test run that ended early left: ${note.instanceId ?? note.dataDir}.`);
  }
  return done;
}

/** A whole Slipway: its own command knows its processes as well. */
async function purge(dataDir: string): Promise<void> {
  const slipway = join(REPOSITORY, "scripts/slipway.mjs");
  await promisify(execFile)(process.execPath, [slipway, "down", "--purge", "--yes", "--keep-images"], {
    env: { ...process.env, SLIPWAY_DATA: dataDir },
    timeout: PURGE_MS,
    killSignal: "SIGKILL",
  });
}

async function removeInstance(docker: Docker, instanceId: string): Promise<void> {
  await removeOwned(docker, await ownedResources(docker, instanceId));
  await removeWires(docker, instanceId);
  await removeFirewall(docker, { instanceId });
}

async function removeData({ dataDir }: Note): Promise<void> {
  await new LoopDisks(dataDir).removeAll();
  await rm(dataDir, { recursive: true, force: true });
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
