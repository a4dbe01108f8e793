import type Docker from "dockerode";
import { SlipwayError } from "../../core/errors.ts";
import { gatewayBridgeName } from "../../core/naming.ts";
import { withFirewallHelper, type RunCommand } from "./helper.ts";
import { checkRules, ensureRules, readTable, removeRules, type Backend } from "./tables.ts";
import { forwardChainName, inputChainName, type Family } from "./rules.ts";

export const FIREWALL_IMAGE = "slipway/firewall:1";

export type FirewallConfig = {
  instanceId: string;
  image?: string;
};

export type FirewallReport = {
  /** What was done or, from `checkFirewall`, what is wrong; each a sentence. Empty where all is as it should be. */
  findings: string[];
  backends: Backend[];
};

/**
 * The bridge driver's option that every project network needs on engines from 28.2 on: they drop packets that are
 * addressed straight to a container, unless they come in through one of these interfaces. Older engines ignore it.
 */
export const TRUSTED_HOST_INTERFACES = "com.docker.network.bridge.trusted_host_interfaces";

/** The options that a project network needs so that the gateway reaches it. */
export function gatewayAccessOptions(instanceId: string): Record<string, string> {
  return { [TRUSTED_HOST_INTERFACES]: gatewayBridgeName(instanceId) };
}

/**
 * Makes the rules of DESIGN.md rule 11 true: idempotent, in chains of this instance's own, all at once. Call it at every
 * start, after the engine restarted, and now and then: it only changes what differs.
 * @throws SlipwayError `setup` where the image is missing or the engine keeps no iptables rules; EngineError; `docker`
 */
export async function ensureFirewall(docker: Docker, config: FirewallConfig): Promise<FirewallReport> {
  return inHelper(docker, config, async (run) => {
    const backends = await backendsInUse(run);
    const findings: string[] = [];
    for (const backend of backends) {
      for (const family of await families(run)) {
        findings.push(...(await ensureRules(run, config.instanceId, backend, family)));
      }
    }
    return { findings, backends };
  });
}

/** As `ensureFirewall`, but only looks: for `slipway doctor`. */
export async function checkFirewall(docker: Docker, config: FirewallConfig): Promise<FirewallReport> {
  return inHelper(docker, config, async (run) => {
    const backends = await backendsInUse(run);
    const findings: string[] = [];
    for (const backend of backends) {
      for (const family of await families(run)) {
        findings.push(...(await checkRules(run, config.instanceId, backend, family)));
      }
    }
    return { findings, backends };
  });
}

/** Removes this instance's chains from wherever they are; there being none is success. */
export async function removeFirewall(docker: Docker, config: FirewallConfig): Promise<FirewallReport> {
  const names = [forwardChainName(config.instanceId), inputChainName(config.instanceId)];
  return inHelper(docker, config, async (run) => {
    const backends = await backendsPresent(run);
    const findings: string[] = [];
    for (const backend of backends) {
      for (const family of await families(run)) {
        if (await removeRules(run, config.instanceId, backend, family))
          findings.push(`${family}, iptables-${backend}: removed ${names.join(" and ")}.`);
      }
    }
    return { findings, backends };
  });
}

function inHelper<T>(
  docker: Docker,
  config: FirewallConfig,
  work: (run: RunCommand) => Promise<T>,
): Promise<T> {
  return withFirewallHelper(
    docker,
    { instanceId: config.instanceId, image: config.image ?? FIREWALL_IMAGE },
    work,
  );
}

/** Where the engine keeps its IPv4 rules: there ours have to be. */
async function backendsInUse(run: RunCommand): Promise<Backend[]> {
  const found: Backend[] = [];
  for (const backend of await backendsPresent(run)) {
    if ((await readTable(run, backend, "ipv4")).has("DOCKER-USER")) found.push(backend);
  }
  if (found.length > 0) return found;
  throw new SlipwayError({
    code: "setup",
    message:
      "The Docker engine keeps no iptables rules here (there is no chain DOCKER-USER), so projects cannot be isolated.",
    hint: 'Let the engine manage iptables: remove "iptables": false and "firewall-backend" from /etc/docker/daemon.json and restart it.',
  });
}

/** Asking iptables-legacy creates its tables, so it is only asked where the kernel says that they are there. */
async function backendsPresent(run: RunCommand): Promise<Backend[]> {
  const legacy = await run(["busybox", "cat", "/proc/net/ip_tables_names"]);
  return legacy.stdout.split("\n").includes("filter") ? ["nft", "legacy"] : ["nft"];
}

async function families(run: RunCommand): Promise<Family[]> {
  const ipv6 = await run(["busybox", "cat", "/proc/net/if_inet6"]);
  return ipv6.exitCode === 0 && ipv6.stdout.trim() !== "" ? ["ipv4", "ipv6"] : ["ipv4"];
}
