import Docker from "dockerode";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LABELS } from "../../core/labels.ts";
import { commandsIn, type RunCommand } from "../../worker/engine/commandsIn.ts";
import { FIREWALL_IMAGE } from "../../worker/firewall/firewall.ts";
import { parseSave, planFirewall, planRemoval } from "../../worker/firewall/plan.ts";
import { desiredChains, type Family } from "../../worker/firewall/rules.ts";
import { checkRules, ensureRules, readTable, removeRules } from "../../worker/firewall/tables.ts";

/** The plan against both iptables and both families, in a network of a container's own. */

const docker = new Docker();
let container: Docker.Container;
let run: RunCommand;

beforeAll(async () => {
  container = await docker.createContainer({
    Image: FIREWALL_IMAGE,
    User: "0:0",
    Entrypoint: ["busybox", "sleep", "120"],
    Cmd: [],
    Labels: { [LABELS.instance]: "gwipta23" },
    HostConfig: { NetworkMode: "none", Init: true, AutoRemove: true, CapAdd: ["NET_ADMIN", "NET_RAW"] },
  });
  await container.start();
  run = commandsIn(docker, container);
});
afterAll(async () => {
  await container?.remove({ force: true });
});

describe.each<[string, Family]>([
  ["iptables-nft", "ipv4"],
  ["ip6tables-nft", "ipv6"],
  ["iptables-legacy", "ipv4"],
  ["ip6tables-legacy", "ipv6"],
])("%s", (program, family) => {
  const chains = desiredChains("abcd2345", family, "DOCKER-USER");
  const others = desiredChains("zzzz6789", family, "DOCKER-USER");

  async function must(command: string[], input?: string): Promise<string> {
    const { exitCode, stdout, stderr } = await run(command, input);
    expect({ command, exitCode, stderr }).toMatchObject({ exitCode: 0 });
    return stdout;
  }
  const table = async () => parseSave(await must([`${program}-save`, "-t", "filter"]));
  const restore = (input: string | null) =>
    must([`${program}-restore`, "--noflush", "--wait", "10"], input ?? "");

  test("takes the rules as they are written, and gives them back so", async () => {
    await must([program, "-N", "DOCKER-USER"]);
    await must([program, "-A", "DOCKER-USER", "-j", "RETURN"]);
    await must([program, "-A", "FORWARD", "-j", "DOCKER-USER"]);
    await restore(planFirewall(await table(), chains).restore);
    expect(planFirewall(await table(), chains)).toEqual({ problems: [], restore: null });
  });

  test("gets back what others took away or pushed aside, and keeps a second instance's", async () => {
    await restore(planFirewall(await table(), others).restore);
    await must([program, "-I", "DOCKER-USER", "-p", "tcp", "-j", "ACCEPT"]);
    await must([program, "-D", "SLIPWAY-IN-abcd2345", "1"]);
    for (const wanted of [chains, others]) {
      const { problems, restore: input } = planFirewall(await table(), wanted);
      expect(problems).not.toEqual([]);
      await restore(input);
    }
    expect(planFirewall(await table(), chains).problems).toEqual([]);
    expect(planFirewall(await table(), others).problems).toEqual([]);
  });

  test("forgets one instance alone", async () => {
    await restore(planRemoval(await table(), ["SLIPWAY-FWD-abcd2345", "SLIPWAY-IN-abcd2345"]));
    expect([...(await table()).keys()].filter((chain) => chain.includes("abcd2345"))).toEqual([]);
    expect(planFirewall(await table(), others).problems).toEqual([]);
  });
});

/** The engine's own chains, and the jumps to them, as it makes them when it starts. */
const ENGINE = "iptables-nft -N DOCKER-USER; iptables-nft -N DOCKER-ISOLATION-STAGE-1";
/** What it does for each network that it makes: both jumps out and in again, the last one first. */
const MAKES_NETWORKS = `while :; do for chain in DOCKER-ISOLATION-STAGE-1 DOCKER-USER; do
  iptables-nft -D FORWARD -j $chain 2>/dev/null; iptables-nft -I FORWARD -j $chain; done; usleep 20000; done`;

test("several instances come and go while the engine makes networks, and each has what it wants", async () => {
  const shell = (text: string) => run(["busybox", "sh", "-c", text]);
  for (const chain of ["DOCKER-USER", "FORWARD"]) await shell(`iptables-nft -F ${chain}`);
  await shell(ENGINE);
  expect(await shell(`(${MAKES_NETWORKS}) >/dev/null 2>&1 & echo $! >/run/engine`)).toMatchObject({
    exitCode: 0,
  });
  const ROUNDS = 3;
  const lives = ["aaaa1111", "bbbb2222", "cccc3333"].map(async (instance) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      await ensureRules(run, instance, "nft", "ipv4");
      expect(await checkRules(run, instance, "nft", "ipv4")).toEqual([]);
      expect(await removeRules(run, instance, "nft", "ipv4")).toBe(true);
    }
  });
  await Promise.all(lives);
  await shell("kill $(cat /run/engine)");
  const left = [...(await readTable(run, "nft", "ipv4")).keys()];
  expect(left.filter((chain) => /aaaa1111|bbbb2222|cccc3333/.test(chain))).toEqual([]);
});
