import Docker from "dockerode";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LABELS } from "../../core/labels.ts";
import { FIREWALL_IMAGE } from "../../worker/firewall/firewall.ts";
import { commandsIn, type RunCommand } from "../../worker/firewall/helper.ts";
import { parseSave, planFirewall, planRemoval } from "../../worker/firewall/plan.ts";
import { desiredChains, type Family } from "../../worker/firewall/rules.ts";

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
