import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoopDisks } from "../../worker/disks/loopDisks.ts";
import { openDisks } from "../../worker/disks/openDisks.ts";
import { noteInstance } from "../leftovers/ledger.ts";
import { World } from "../worker/world.ts";

/** A host whose volumes can have disks, in a data directory of their own. */
export type DiskWorld = {
  world: World;
  disks: LoopDisks;
  dataDir: string;
  /** Everything is gone afterwards. */
  end(): Promise<void>;
};

/** @throws Error where the machine mounts no loop devices for the test */
export async function makeDiskWorld(instanceId: string, httpPort: number): Promise<DiskWorld> {
  const dataDir = await mkdtemp(join(tmpdir(), "slipway-disks-"));
  const forget = await noteInstance({ instanceId, dataDir });
  const world = await World.make(instanceId, httpPort);
  const found = await openDisks(world.docker, { dataDir, instanceId });
  const end = async () => {
    await world.end();
    await found.disks?.removeAll();
    await rm(dataDir, { recursive: true, force: true });
    await forget();
  };
  if (!found.disks) {
    await end();
    throw new Error(`These tests need volumes that can have disks: ${found.why}.`);
  }
  return { world, disks: found.disks, dataDir, end };
}
