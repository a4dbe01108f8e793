import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type Docker from "dockerode";
import { causeChain } from "../../core/errors.ts";
import { LABELS } from "../../core/labels.ts";
import { dockerCall, dockerCallUnless } from "../engine/dockerCall.ts";
import { LoopDisks } from "./loopDisks.ts";

/** Disks, or why there can be none: a sentence. */
export type DisksFound = { disks: LoopDisks; why: null } | { disks: null; why: string };

const TOOLS_IMAGE = "slipway/tools:1";
const PROBE_BYTES = 16 * 1024 ** 2;
const ROLE = "disk-probe";

/**
 * Finds out whether volumes can have a hard size here, by making one: it takes root, loop devices, the programs, and an
 * engine that sees what this process mounts (one on this machine, in this file system).
 * @param isRoot whether this process may mount at all
 */
export async function openDisks(
  docker: Docker,
  { dataDir, instanceId }: { dataDir: string; instanceId: string },
  isRoot = process.getuid?.() === 0,
): Promise<DisksFound> {
  if (process.platform !== "linux") return none("loop-mounted disks need Linux");
  if (!isRoot) return none("the worker does not run as root, so it may not mount disks");
  const disks = new LoopDisks(dataDir);
  const volume = `slipway-${instanceId}-${ROLE}-${randomBytes(4).toString("hex")}`;
  try {
    const directory = await disks.make(volume, PROBE_BYTES);
    const word = randomBytes(16).toString("hex");
    await writeFile(join(directory, "word"), word);
    const seen = await throughTheEngine(docker, instanceId, volume, directory);
    if (!seen.includes(word)) return none("the engine does not see what the worker mounts");
    return { disks, why: null };
  } catch (error) {
    return none(causeChain(error).slice(0, 2).join(": "));
  } finally {
    // What cannot be removed now is swept by the next that can.
    await disks.remove(volume).catch(() => undefined);
  }
}

function none(why: string): DisksFound {
  return { disks: null, why };
}

/** What the file `word` of a volume that is bound to `directory` holds, as the engine sees it. */
async function throughTheEngine(
  docker: Docker,
  instanceId: string,
  volume: string,
  directory: string,
): Promise<string> {
  const Labels = { [LABELS.instance]: instanceId, [LABELS.role]: ROLE };
  await dockerCall("create a volume to try disks with", (abortSignal) =>
    docker.createVolume({
      Name: volume,
      Labels,
      DriverOpts: { type: "none", o: "bind", device: directory },
      abortSignal,
    }),
  );
  try {
    // Never started: Docker mounts a container's volumes to copy files out of it.
    const container = await dockerCall("create a container to try disks with", (abortSignal) =>
      docker.createContainer({
        name: volume,
        Image: TOOLS_IMAGE,
        Labels,
        NetworkDisabled: true,
        HostConfig: { Mounts: [{ Type: "volume", Source: volume, Target: "/disk" }] },
        abortSignal,
      }),
    );
    try {
      return await dockerCall("read from a disk", async (abortSignal) => {
        const tar = await container.getArchive({ path: "/disk/word", abortSignal });
        const chunks: Buffer[] = [];
        for await (const chunk of tar) chunks.push(chunk as Buffer);
        return Buffer.concat(chunks).toString("latin1");
      });
    } finally {
      await dockerCallUnless([404], "remove the container that tried disks", (abortSignal) =>
        container.remove({ force: true, abortSignal }),
      );
    }
  } finally {
    await dockerCallUnless([404], "remove the volume that tried disks", (abortSignal) =>
      docker.getVolume(volume).remove({ abortSignal }),
    );
  }
}
