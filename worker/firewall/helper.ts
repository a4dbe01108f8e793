import { randomBytes } from "node:crypto";
import type Docker from "dockerode";
import { SlipwayError } from "../../core/errors.ts";
import { LABELS } from "../../core/labels.ts";
import { commandsIn, type RunCommand } from "../engine/commandsIn.ts";
import { dockerCall, dockerCallUnless } from "../engine/dockerCall.ts";

export const FIREWALL_ROLE = "firewall";

/** A helper whose worker died ends by itself after so long, and removes itself. */
const HELPER_LIFE_SECONDS = 120;
const MEBIBYTE = 1024 ** 2;
/** iptables-legacy and the engine keep out of each other's way with this file. */
const XTABLES_LOCK = "/run/xtables.lock";

/**
 * Starts a container on the host's network that may do nothing but change the network, gives `work` a way to run commands
 * in it, and removes it.
 * @throws SlipwayError `setup` where the image is missing; EngineError
 */
export async function withFirewallHelper<T>(
  docker: Docker,
  options: { instanceId: string; image: string },
  work: (run: RunCommand) => Promise<T>,
): Promise<T> {
  const container = await createHelper(docker, options);
  try {
    await dockerCall("start the firewall helper", (abortSignal) => container.start({ abortSignal }));
    return await work(commandsIn(docker, container));
  } finally {
    await dockerCallUnless([404, 409], "remove the firewall helper", (abortSignal) =>
      container.remove({ force: true, v: true, abortSignal }),
    );
  }
}

async function createHelper(
  docker: Docker,
  { instanceId, image }: { instanceId: string; image: string },
): Promise<Docker.Container> {
  const spec = helperSpec(instanceId, image);
  const what = "create the firewall helper";
  const made = await dockerCallUnless([400, 404], what, (abortSignal) =>
    docker.createContainer({ ...withLock(spec), abortSignal }),
  );
  if (made) return made;
  // The host has no lock file as long as nobody used iptables-legacy there; or the image is missing.
  const lockless = await dockerCallUnless([404], what, (abortSignal) =>
    docker.createContainer({ ...spec, abortSignal }),
  );
  if (lockless) return lockless;
  throw new SlipwayError({
    code: "setup",
    message: `The image ${image} is not on this machine.`,
    hint: "Build it: slipway up",
  });
}

function withLock(spec: Docker.ContainerCreateOptions): Docker.ContainerCreateOptions {
  return {
    ...spec,
    HostConfig: {
      ...spec.HostConfig,
      Mounts: [{ Type: "bind", Source: XTABLES_LOCK, Target: XTABLES_LOCK }],
    },
  };
}

function helperSpec(instanceId: string, image: string): Docker.ContainerCreateOptions {
  return {
    name: `slipway-${instanceId}-firewall-${randomBytes(4).toString("hex")}`,
    Image: image,
    User: "0:0",
    Entrypoint: ["busybox", "sleep", String(HELPER_LIFE_SECONDS)],
    Cmd: [],
    NetworkDisabled: false,
    Labels: { [LABELS.instance]: instanceId, [LABELS.role]: FIREWALL_ROLE },
    HostConfig: {
      AutoRemove: true,
      Init: true,
      NetworkMode: "host",
      UsernsMode: "host",
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      // NET_RAW: iptables-legacy opens a raw socket to ask the kernel.
      CapAdd: ["NET_ADMIN", "NET_RAW"],
      SecurityOpt: ["no-new-privileges"],
      Memory: 128 * MEBIBYTE,
      PidsLimit: 32,
      Tmpfs: { "/run": "rw,noexec,nosuid,nodev,size=1m" },
      LogConfig: { Type: "json-file", Config: { "max-size": "1m", "max-file": "1" } },
    },
  };
}
