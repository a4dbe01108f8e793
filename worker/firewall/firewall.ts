import type Docker from "dockerode";
import { SlipwayError } from "../../core/errors.ts";
import { gatewayBridgeName } from "../../core/naming.ts";
import type { RunCommand } from "../engine/commandsIn.ts";
import { withFirewallHelper } from "./helper.ts";
import { forwardChainName, inputChainName } from "./rules.ts";
import { checkRules, ensureRules, readRules, removeRules, type Backend, type Rules } from "./tables.ts";

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
    const rules = ofTheEngine(await readRules(run));
    const findings: string[] = [];
    for (const { backend, family, table } of rules) {
      findings.push(...(await ensureRules(run, config.instanceId, backend, family, table)));
    }
    return { findings, backends: backendsOf(rules) };
  });
}

/** As `ensureFirewall`, but only looks: for `slipway doctor`. */
export async function checkFirewall(docker: Docker, config: FirewallConfig): Promise<FirewallReport> {
  return inHelper(docker, config, async (run) => {
    const rules = ofTheEngine(await readRules(run));
    const findings: string[] = [];
    for (const { backend, family, table } of rules) {
      findings.push(...(await checkRules(run, config.instanceId, backend, family, table)));
    }
    return { findings, backends: backendsOf(rules) };
  });
}

/** Removes this instance's chains from wherever they are; there being none is success. */
export async function removeFirewall(docker: Docker, config: FirewallConfig): Promise<FirewallReport> {
  const names = [forwardChainName(config.instanceId), inputChainName(config.instanceId)];
  return inHelper(docker, config, async (run) => {
    const rules = await readRules(run);
    const findings: string[] = [];
    for (const { backend, family, table } of rules) {
      if (await removeRules(run, config.instanceId, backend, family, table))
        findings.push(`${family}, iptables-${backend}: removed ${names.join(" and ")}.`);
    }
    return { findings, backends: backendsOf(rules) };
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

/** Where the engine keeps its IPv4 rules: there ours have to be, for both families. */
function ofTheEngine(rules: Rules): Rules {
  const isEngines = ({ family, table }: Rules[number]) => family === "ipv4" && table.has("DOCKER-USER");
  const backends = new Set(backendsOf(rules.filter(isEngines)));
  if (backends.size > 0) return rules.filter(({ backend }) => backends.has(backend));
  throw new SlipwayError({
    code: "setup",
    message:
      "The Docker engine keeps no iptables rules here (there is no chain DOCKER-USER), so projects cannot be isolated.",
    hint: 'Let the engine manage iptables: remove "iptables": false and "firewall-backend" from /etc/docker/daemon.json and restart it.',
  });
}

function backendsOf(rules: Rules): Backend[] {
  return [...new Set(rules.map(({ backend }) => backend))];
}
