import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LABELS, ownedBy } from "../../core/labels.ts";
import { bridgePrefix, gatewayBridgeName } from "../../core/naming.ts";
import type { RunCommand } from "../../worker/engine/commandsIn.ts";
import { FIREWALL_IMAGE } from "../../worker/firewall/firewall.ts";
import { withFirewallHelper } from "../../worker/firewall/helper.ts";
import { probeFirewall } from "../../worker/firewall/probe.ts";
import { forwardChainName, inputChainName } from "../../worker/firewall/rules.ts";
import { World } from "../gateway/world.ts";

/** The firewall's own probes: they pass where the rules hold, and find every hole that is made for them to find. */

const INSTANCE = "isoprob2";
let world: World;
beforeAll(async () => {
  world = await World.start(INSTANCE, 28_391, "10.249.12");
});
afterAll(async () => {
  await world?.stop();
});

const probe = async () =>
  Object.fromEntries(
    (await probeFirewall(world.docker, INSTANCE, world.gateway)).map(({ title, state }) => [title, state]),
  );
const HOLDS = {
  "gateway → project": "holds",
  "project → project": "holds",
  "project → host": "holds",
  "egress: none": "holds",
};

/** Runs iptables on every backend that has our chain, in the host's network. */
async function iptables(...args: string[]): Promise<void> {
  await withFirewallHelper(world.docker, { instanceId: INSTANCE, image: FIREWALL_IMAGE }, async (run) => {
    for (const backend of await backendsWith(run, inputChainName(INSTANCE))) {
      const { exitCode, stderr } = await run([`iptables-${backend}`, "-w", ...args]);
      if (exitCode !== 0) throw new Error(stderr);
    }
  });
}

async function backendsWith(run: RunCommand, chain: string): Promise<string[]> {
  const found: string[] = [];
  for (const backend of ["nft", "legacy"]) {
    const { exitCode } = await run([`iptables-${backend}`, "-w", "-S", chain]);
    if (exitCode === 0) found.push(backend);
  }
  return found;
}

test("all hold where the rules are in place, and nothing is left of them", async () => {
  expect(await probe()).toEqual(HOLDS);
  const filters = { label: [ownedBy(INSTANCE)] };
  const isProbe = ({ Labels }: { Labels?: Record<string, string> }) =>
    (Labels?.[LABELS.role] ?? "").startsWith("firewall");
  expect((await world.docker.listContainers({ all: true, filters })).filter(isProbe)).toEqual([]);
  expect((await world.docker.listNetworks({ filters })).filter(isProbe)).toEqual([]);
  expect(Object.keys(networkInterfaces()).filter((name) => name.startsWith(`so${INSTANCE}`))).toEqual([]);
});

const projects = `${bridgePrefix(INSTANCE)}+`;
const [forward, input] = [forwardChainName(INSTANCE), inputChainName(INSTANCE)];
/** In this instance's own chains: before them they would be before other instances' too, which miss their place then. */
const HOLES = [
  [input, "-i", projects, "-j", "ACCEPT"],
  [forward, "-i", projects, "-o", projects, "-j", "ACCEPT"],
  [forward, "-i", projects, "-o", `so${INSTANCE}+`, "-j", "ACCEPT"],
  [forward, "-i", gatewayBridgeName(INSTANCE), "-o", projects, "-j", "DROP"],
] as const;

test("find every hole that another program's rules make", async () => {
  for (const [chain, ...rule] of HOLES) await iptables("-I", chain, "1", ...rule);
  try {
    expect(await probe()).toEqual({
      "gateway → project": "broken",
      "project → project": "broken",
      "project → host": "broken",
      "egress: none": "broken",
    });
  } finally {
    for (const [chain, ...rule] of HOLES) await iptables("-D", chain, ...rule);
  }
});
