import { randomBytes } from "node:crypto";
import type Docker from "dockerode";
import { LABELS, ownedBy } from "../../core/labels.ts";
import { dockerCall, dockerCallUnless } from "../engine/dockerCall.ts";
import { EngineError } from "../engine/engineError.ts";
import { logText } from "../engine/logFrames.ts";
import { volumeNames } from "./volumeNames.ts";

const TOOLS_IMAGE = "slipway/tools:1";
const ROLE = "volume-watch";
const WITHIN_MS = 60_000;
const MEBIBYTE = 1024 ** 2;

/**
 * Measures volumes with `du` in a container that may read every file, sees nothing but these volumes, changes nothing
 * and has no network. (`docker system df` measures everything there is on the machine, layers included.)
 * @returns bytes on disk by volume
 */
export async function measureVolumes(
  docker: Docker,
  instanceId: string,
  volumes: readonly string[],
): Promise<Map<string, number>> {
  if (volumes.length === 0) return new Map();
  await removeLeftovers(docker, instanceId);
  // Docker would make a volume that a container asks for and that is not there.
  const names = await volumeNames(docker, instanceId);
  const there = volumes.filter((name) => names.has(name));
  if (there.length === 0) return new Map();
  const container = await dockerCall("create the volume watch", (abortSignal) =>
    docker.createContainer({ ...watchSpec(instanceId, there), abortSignal }),
  );
  try {
    await dockerCall("start the volume watch", (abortSignal) => container.start({ abortSignal }));
    await dockerCall(
      "measure volumes",
      (abortSignal) => container.wait({ abortSignal }) as Promise<unknown>,
      WITHIN_MS,
    );
    const log = await dockerCall("read the volume watch", (abortSignal) =>
      container.logs({ stdout: true, stderr: false, follow: false, abortSignal }),
    );
    return parseDu(logText(log), there);
  } finally {
    await dockerCallUnless([404], "remove the volume watch", (abortSignal) =>
      container.remove({ force: true, v: false, abortSignal }),
    );
  }
}

/** Reads lines like `12345	/v/0`, in KiB. */
export function parseDu(text: string, volumes: readonly string[]): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [, kibibytes, index] = /^(\d+)\s+\/v\/(\d+)$/.exec(line) ?? [];
    const volume = index === undefined ? undefined : volumes[Number(index)];
    if (volume !== undefined) sizes.set(volume, Number(kibibytes) * 1024);
  }
  if (sizes.size < volumes.length) {
    throw new EngineError("failed", `Measuring ${volumes.length} volumes gave ${sizes.size} sizes.`);
  }
  return sizes;
}

async function removeLeftovers(docker: Docker, instanceId: string): Promise<void> {
  const filters = { label: [ownedBy(instanceId), `${LABELS.role}=${ROLE}`] };
  const left = await dockerCall("list containers", (abortSignal) =>
    docker.listContainers({ all: true, filters, abortSignal }),
  );
  for (const { Id } of left) {
    await dockerCallUnless([404, 409], "remove an earlier volume watch", (abortSignal) =>
      docker.getContainer(Id).remove({ force: true, abortSignal }),
    );
  }
}

function watchSpec(instanceId: string, volumes: readonly string[]): Docker.ContainerCreateOptions {
  return {
    name: `slipway-${instanceId}-${ROLE}-${randomBytes(4).toString("hex")}`,
    Image: TOOLS_IMAGE,
    User: "0:0",
    Entrypoint: ["busybox", "du", "-sk"],
    Cmd: volumes.map((_, index) => `/v/${index}`),
    Labels: { [LABELS.instance]: instanceId, [LABELS.role]: ROLE },
    HostConfig: {
      NetworkMode: "none",
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      CapAdd: ["DAC_READ_SEARCH"],
      SecurityOpt: ["no-new-privileges"],
      Memory: 64 * MEBIBYTE,
      NanoCpus: 5e8,
      PidsLimit: 16,
      Mounts: volumes.map((Source, index) => ({
        Type: "volume" as const,
        Source,
        Target: `/v/${index}`,
        ReadOnly: true,
        VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: "", Options: {} } },
      })),
      LogConfig: { Type: "json-file", Config: { "max-size": "1m", "max-file": "1" } },
    },
  };
}
