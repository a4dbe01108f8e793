import { SetupError } from "./setupError.ts";

/** What was seen of a Docker Engine, and of the machine that could get one. */
export interface EngineProbe {
  /** How the engine's address answered. */
  answer: "ok" | "absent" | "refused" | "permission" | "silent";
  /** The address asked, as people write it: `/var/run/docker.sock` or a URL. */
  address: string;
  /** Whether the user named that address (DOCKER_HOST). */
  addressGiven: boolean;
  /** Whether `dockerd` is on this machine. */
  daemonInstalled: boolean;
  isRoot: boolean;
  /** `linux`, `darwin`, … as Node says it. */
  platform: string;
  /** ID and ID_LIKE of /etc/os-release. */
  distribution: readonly string[];
  /** Whether systemd runs this machine. */
  systemd: boolean;
  user: string;
}

export type EngineDecision =
  { action: "use" } | { action: "start" } | { action: "install" } | { action: "refuse"; error: SetupError };

const INSTALL = "apt-get update && apt-get install -y docker.io";

/** What to do about the engine; a running one is used as it is, and an address that the user gave is never replaced. */
export function decideEngine(probe: EngineProbe): EngineDecision {
  if (probe.answer === "ok") return { action: "use" };
  if (probe.answer === "permission") {
    return refuse(
      "engine-permission",
      `Docker Engine at ${probe.address} runs, but the user ${probe.user} may not talk to it`,
      `Type: sudo usermod -aG docker ${probe.user}   and log in again (or run Slipway as root).`,
    );
  }
  if (probe.answer === "silent") {
    return refuse(
      "engine-unreachable",
      `Docker Engine at ${probe.address} took the connection but does not answer`,
      probe.systemd
        ? "Look at: journalctl -u docker -n 50   and, if it hangs: systemctl restart docker"
        : "Look at its log and restart it: it is left as it is, because its containers may be in use.",
    );
  }
  if (probe.addressGiven) {
    return refuse(
      "engine-unreachable",
      `DOCKER_HOST names ${probe.address}, where no Docker Engine answers`,
      "Start that engine, or type: unset DOCKER_HOST   to use this machine's own.",
    );
  }
  if (probe.platform !== "linux") {
    return refuse(
      "engine-missing",
      "Docker Engine does not run on this machine",
      "Install and start Docker (https://docs.docker.com/engine/install/), then try again.",
    );
  }
  if (probe.daemonInstalled) {
    if (probe.isRoot) return { action: "start" };
    return refuse(
      "engine-unreachable",
      "Docker Engine is installed but does not run",
      probe.systemd ? "Type: sudo systemctl start docker" : "Type: sudo service docker start",
    );
  }
  const usesApt = probe.distribution.some((name) => name === "debian" || name === "ubuntu");
  if (!usesApt) {
    return refuse(
      "engine-missing",
      "Docker Engine is not installed, and this is no Debian or Ubuntu, where Slipway could install it",
      "Install Docker with your system's packages (https://docs.docker.com/engine/install/), start it, then try again.",
    );
  }
  if (probe.isRoot) return { action: "install" };
  return refuse(
    "engine-missing",
    "Docker Engine is not installed, and installing it needs root",
    `Type: sudo sh -c '${INSTALL}' && sudo usermod -aG docker ${probe.user}   and log in again (or run Slipway as root).`,
  );
}

function refuse(
  reason: "engine-missing" | "engine-unreachable" | "engine-permission",
  message: string,
  fix: string,
) {
  return { action: "refuse", error: new SetupError(reason, message, fix) } as const;
}
