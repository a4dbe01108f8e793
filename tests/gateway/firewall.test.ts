import { createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LABELS } from "../../core/labels.ts";
import { bridgeName, egressNetworkName } from "../../core/naming.ts";
import {
  checkFirewall,
  ensureFirewall,
  FIREWALL_IMAGE,
  removeFirewall,
} from "../../worker/firewall/firewall.ts";
import { withFirewallHelper } from "../../worker/firewall/helper.ts";
import { gatewayName } from "../../worker/gateway/config.ts";
import { ask } from "./client.ts";
import { routesTo, World, type Upstream } from "./world.ts";

/** Who reaches whom, tried from inside real containers; two instances share the machine all the while. */

const SHOP = "project_1700000000011_shopaaaa";
const BLOG = "project_1700000000012_blogbbbb";
const FAR = "project_1700000000013_farcccc";
const TRY_MS = 1_500;

let world: World;
let other: World;
let shop: Upstream;
let shopDb: Upstream;
let blog: Upstream;
let far: Upstream;
let hostService: Server;
let hostPort: number;

beforeAll(async () => {
  world = await World.start("gwfire23", 28_081, "10.249.2");
  other = await World.start("gwfare45", 28_082, "10.249.3");
  const shopNetwork = await world.network(SHOP, "dev");
  const shopEgress = await world.network(SHOP, "dev", { egress: true });
  shop = await world.upstream("shop", [shopNetwork, shopEgress]);
  shopDb = await world.upstream("shop-db", [shopNetwork]);
  blog = await world.upstream("blog", [
    await world.network(BLOG, "dev"),
    await world.network(BLOG, "dev", { egress: true }),
  ]);
  far = await other.upstream("far", [await other.network(FAR, "dev")]);
  hostService = createServer((socket) => socket.on("error", () => undefined).end("hello from the host"));
  hostPort = await new Promise((resolve) => {
    hostService.listen(0, "0.0.0.0", () => resolve((hostService.address() as { port: number }).port));
  });
});
afterAll(async () => {
  await new Promise((resolve) => (hostService ? hostService.close(resolve) : resolve(undefined)));
  await world?.stop();
  await other?.stop();
});

/** What becomes of a TCP connection from inside `from`: `open`, or why not. */
async function connect(from: Upstream, address: string, port: number): Promise<string> {
  const program = `
    const socket = require("net").connect(${port}, "${address}");
    const end = (word) => { console.log(word); process.exit(); };
    socket.setTimeout(${TRY_MS}, () => end("silence"));
    socket.on("connect", () => end("open")).on("error", (error) => end(error.code));
  `;
  const { output } = await world.exec(from.id, ["node", "-e", program]);
  expect(output.trim()).toMatch(/^(?:open|silence|E[A-Z]+)$/);
  return output.trim();
}

/** Tries every address and port from a container with a way out and from one without. */
async function expectClosed(addresses: readonly string[], ports: readonly number[]): Promise<void> {
  const tries = [shop, shopDb].flatMap((from) =>
    addresses.flatMap((address) => ports.map((port) => ({ from, address, port }))),
  );
  const outcomes = await Promise.all(
    tries.map(
      async ({ from, address, port }) =>
        `${from.name} → ${address}:${port} ${await connect(from, address, port)}`,
    ),
  );
  expect(outcomes.filter((outcome) => outcome.endsWith("open"))).toEqual([]);
}

/** The machine's address on the first network that is not its loopback or a bridge of Docker's. */
function machineAddress(): string {
  const outer = Object.entries(networkInterfaces()).filter(
    ([name]) => !/^(lo|docker|br-|sw|sg|veth)/.test(name),
  );
  return (
    outer.flatMap(([, addresses]) => addresses ?? []).find(({ family }) => family === "IPv4")?.address ?? ""
  );
}

const bridgeAddress = (upstream: Upstream) =>
  upstream.address.replace(/\d+$/, (last) => String((Number(last) & 0xf0) | 1));

async function gatewayAddress(): Promise<string> {
  const { NetworkSettings } = await world.docker.getContainer(gatewayName(world.instanceId)).inspect();
  return NetworkSettings.Networks[gatewayName(world.instanceId)]?.IPAddress ?? "";
}

describe("the gateway", () => {
  test("reaches a container on an internal network, and its answer comes back", async () => {
    await world.gateway.pushProject(routesTo(SHOP, { dev: [shopDb] }));
    expect((await ask(28_081, `/projects/${SHOP}/dev/`)).status).toBe(200);
  });

  test("reaches no container of another instance", async () => {
    expect(await world.gateway.probe({ address: far.address, port: far.port })).toMatchObject({
      kind: "failed",
    });
    expect(await other.gateway.probe({ address: far.address, port: far.port })).toMatchObject({
      kind: "answered",
    });
  });

  test("reaches no service of the host", async () => {
    for (const address of [machineAddress(), (await gatewayAddress()).replace(/\d+$/, "1")]) {
      expect(await world.gateway.probe({ address, port: hostPort })).toMatchObject({ kind: "failed" });
    }
  });
});

describe("a project's container", () => {
  test("reaches its own environment's others, by address and by name", async () => {
    expect(await connect(shop, shopDb.address, shopDb.port)).toBe("open");
    expect(await connect(shop, `${world.instanceId}-shop-db`, shopDb.port)).toBe("open");
  });

  test("reaches no other project's, on any of their networks", async () => {
    await expectClosed([blog.address, blog.egressAddress ?? "", far.address], [blog.port]);
  });

  test("does not reach the gateway", async () => {
    await expectClosed([await gatewayAddress()], [8080, 8081]);
  });

  test("reaches no service of the host, on none of its addresses", async () => {
    await expectClosed([bridgeAddress(shop), machineAddress(), "172.17.0.1"], [hostPort]);
  });
});

describe("an egress network", () => {
  const egressBridge = () => bridgeName(world.instanceId, egressNetworkName(SHOP, "dev"));

  /** A server on a bridge of `name`, which the engine's own isolation is told to let through: what is left is our chain. */
  async function serverBehind(
    bridge: string,
    subnet: string,
  ): Promise<{ address: string; end: () => Promise<void> }> {
    const network = await world.docker.createNetwork({
      Name: `${world.instanceId}-${bridge}`,
      IPAM: { Driver: "default", Config: [{ Subnet: subnet }] },
      Options: { "com.docker.network.bridge.name": bridge },
      Labels: { [LABELS.instance]: world.instanceId },
    });
    const container = await world.docker.createContainer({
      Image: "slipway/node:20",
      Cmd: ["node", "-e", "require('http').createServer((_, r) => r.end()).listen(3000)"],
      Labels: { [LABELS.instance]: world.instanceId },
      HostConfig: { NetworkMode: `${world.instanceId}-${bridge}`, Init: true },
    });
    await container.start();
    const rules = [
      ["FORWARD", "-i", egressBridge(), "-o", bridge, "-j", "ACCEPT"],
      ["FORWARD", "-i", bridge, "-o", egressBridge(), "-j", "ACCEPT"],
    ];
    const { backends } = await checkFirewall(world.docker, { instanceId: world.instanceId });
    const change = (action: (chain: string, rest: string[]) => string[]) =>
      withFirewallHelper(
        world.docker,
        { instanceId: world.instanceId, image: FIREWALL_IMAGE },
        async (run) => {
          for (const backend of backends) {
            for (const [chain = "", ...rest] of rules) {
              const { exitCode, stderr } = await run([
                `iptables-${backend}`,
                "-w",
                "10",
                ...action(chain, rest),
              ]);
              expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
            }
          }
        },
      );
    // Behind the jump to DOCKER-USER, before Docker's own rules.
    await change((chain, rest) => ["-I", chain, "2", ...rest]);
    const { NetworkSettings } = await container.inspect();
    return {
      address: Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? "",
      end: async () => {
        await change((chain, rest) => ["-D", chain, ...rest]);
        await container.remove({ force: true });
        await network.remove();
      },
    };
  }

  test("leads to the outside, an internal one does not", async () => {
    const outside = await serverBehind("gwoutside0", "10.249.250.0/28");
    try {
      await expect.poll(() => connect(shop, outside.address, 3000), { timeout: 10_000 }).toBe("open");
      expect(await connect(shopDb, outside.address, 3000)).not.toBe("open");
    } finally {
      await outside.end();
    }
  });

  test("leads to no private bridge of this machine", async () => {
    const inside = await serverBehind("virbrgw0", "10.249.251.0/28");
    try {
      expect(await connect(shop, inside.address, 3000)).toBe("ECONNREFUSED");
    } finally {
      await inside.end();
    }
  });

  test("leads to no cloud metadata", async () => {
    expect(await connect(shop, "169.254.169.254", 80)).toBe("ECONNREFUSED");
  });
});

describe("the rules", () => {
  const config = () => ({ instanceId: world.instanceId });

  async function iptables(...rest: string[]): Promise<void> {
    const { backends } = await checkFirewall(world.docker, config());
    await withFirewallHelper(world.docker, { ...config(), image: FIREWALL_IMAGE }, async (run) => {
      for (const backend of backends) {
        expect(await run([`iptables-${backend}`, "-w", "10", ...rest])).toMatchObject({ exitCode: 0 });
      }
    });
  }

  test("are there, and ensuring them again changes nothing", async () => {
    expect(await checkFirewall(world.docker, config())).toMatchObject({ findings: [] });
    expect(await ensureFirewall(world.docker, config())).toMatchObject({ findings: [] });
  });

  test("that somebody took away are missed, and come back", async () => {
    await iptables("-D", "INPUT", "-j", `SLIPWAY-IN-${world.instanceId}`);
    await iptables("-F", `SLIPWAY-FWD-${world.instanceId}`);
    const { findings } = await checkFirewall(world.docker, config());
    expect(findings.join("\n")).toContain(`INPUT does not jump to SLIPWAY-IN-${world.instanceId}.`);
    expect(findings.join("\n")).toContain(`SLIPWAY-FWD-${world.instanceId} is not as it should be`);
    expect(await connect(shop, bridgeAddress(shop), hostPort)).toBe("open");

    await ensureFirewall(world.docker, config());
    expect(await checkFirewall(world.docker, config())).toMatchObject({ findings: [] });
    expect(await connect(shop, bridgeAddress(shop), hostPort)).not.toBe("open");
  });

  test("of one instance go without those of another", async () => {
    await removeFirewall(other.docker, { instanceId: other.instanceId });
    expect((await removeFirewall(other.docker, { instanceId: other.instanceId })).findings).toEqual([]);
    expect((await checkFirewall(other.docker, { instanceId: other.instanceId })).findings).not.toEqual([]);
    expect(await checkFirewall(world.docker, config())).toMatchObject({ findings: [] });
    await ensureFirewall(other.docker, { instanceId: other.instanceId });
    expect(await checkFirewall(world.docker, config())).toMatchObject({ findings: [] });
    expect(await checkFirewall(other.docker, { instanceId: other.instanceId })).toMatchObject({
      findings: [],
    });
  });

  test("need an image that is there", async () => {
    await expect(
      ensureFirewall(world.docker, { ...config(), image: "slipway/nosuch:1" }),
    ).rejects.toMatchObject({
      data: { code: "setup", message: "The image slipway/nosuch:1 is not on this machine." },
    });
  });

  test("leave no helper behind", async () => {
    const helpers = await world.docker.listContainers({
      all: true,
      filters: { label: [`${LABELS.instance}=${world.instanceId}`, `${LABELS.role}=firewall`] },
    });
    expect(helpers).toEqual([]);
  });
});
