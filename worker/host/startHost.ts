import type Docker from "dockerode";
import type { Clock } from "../clock.ts";
import type { WorkerConfig } from "../config.ts";
import type { Checks } from "../doctor/checksKeeper.ts";
import { ChecksKeeper } from "../doctor/checksKeeper.ts";
import type { KnownProject } from "../doctor/gateway.ts";
import { hostChecks } from "../doctor/hostChecks.ts";
import { READ_DEADLINE_MS } from "../engine/deadline.ts";
import type { FirewallProbing } from "../firewall/probeAtStart.ts";
import { dockerCall } from "../engine/dockerCall.ts";
import type { Gateway } from "../gateway/gateway.ts";
import type { Log } from "../log.ts";
import type { HostReporter, OwnedCounts } from "./hostReporter.ts";
import { MachineMeter } from "./hostUsage.ts";

export type HostContext = {
  docker: Docker;
  config: Pick<WorkerConfig, "dataDir" | "instanceId" | "httpPort">;
  gateway: Pick<Gateway, "answeringVersions">;
  reporter: HostReporter;
  probing: Pick<FirewallProbing, "outcomes" | "attempt">;
  projects: () => KnownProject[];
  /** How much this instance has in Docker, as last counted. */
  counts: () => OwnedCounts;
  /** Why volumes have no hard size here; null: they have. */
  noDisks: string | null;
  clock: Clock;
  log: Log;
};

const FIRST_USAGE_MS = 5_000;
const USAGE_MS = 30_000;

export type HostParts = {
  /** Makes the host's checks now, with real attempts at the firewall, and tells the control plane. */
  checkNow: () => Promise<Checks>;
  end: () => void;
};

/** Tells the control plane what the machine uses, every half minute, and what is wrong with it. */
export function startHost(context: HostContext): HostParts {
  const { reporter, clock, log } = context;
  const checks = new ChecksKeeper({
    checks: (thorough) => checksOf(context, thorough),
    onFound: (found) => reporter.tell({ checks: found }),
    ...{ clock, log },
  });
  checks.start();
  const endUsage = tellUsage(context);
  return {
    checkNow: async () => await checks.run(true),
    end() {
      checks.stop();
      endUsage();
      reporter.close();
    },
  };
}

function checksOf(
  { docker, config, gateway, probing, projects, noDisks }: HostContext,
  thorough: boolean,
): ReturnType<typeof hostChecks> {
  return hostChecks({
    ...{ docker, why: "", dataDir: config.dataDir, instanceId: config.instanceId, httpPort: config.httpPort },
    gateway,
    projects: async () => ({ known: projects() }),
    attempts: async () => {
      const outcomes = thorough ? await probing.attempt() : probing.outcomes();
      return outcomes ? { outcomes } : { why: "it is being tried for the first time" };
    },
    noDisks: async () => noDisks,
  });
}

function tellUsage({ docker, config, reporter, counts, clock, log }: HostContext): () => void {
  let cancel = (): void => {};
  let ended = false;
  const start = async () => {
    const meter = new MachineMeter([...(await dockersFolder(docker)), config.dataDir], clock);
    const round = async () => {
      try {
        reporter.tell({ usage: { ...(await meter.read()), ...counts() } });
      } catch (error) {
        log("usage-not-read", { error });
      }
      if (!ended) cancel = clock.after(USAGE_MS, () => void round());
    };
    if (!ended) cancel = clock.after(FIRST_USAGE_MS, () => void round());
  };
  void start();
  return () => {
    ended = true;
    cancel();
  };
}

/** Where the engine keeps all it has; none where it does not say so now. */
async function dockersFolder(docker: Docker): Promise<string[]> {
  try {
    const info = await dockerCall("say where it keeps what it has", () => docker.info(), READ_DEADLINE_MS);
    const { DockerRootDir: folder } = info as { DockerRootDir?: string };
    return folder ? [folder] : [];
  } catch {
    return [];
  }
}
