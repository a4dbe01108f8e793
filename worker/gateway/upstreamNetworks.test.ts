import { mkdtemp, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { installConfiguration } from "./files.ts";
import { GatewaySource } from "./gatewaySource.ts";
import { installedNetworks, UpstreamNetworks } from "./upstreamNetworks.ts";

const OLD = "10.64.0.0/16";
const NEW = "172.20.0.0/16";

/** What the control plane says, and what the gateway was made anew for. */
function followed(known: string[]) {
  const networks = new UpstreamNetworks(known);
  let say: (pools: string[]) => void = () => {};
  let fail: (error: unknown) => void = () => {};
  const made: (readonly string[])[] = [];
  const said: string[] = [];
  const first = networks.follow(
    (onPools, onError) => {
      [say, fail] = [onPools, onError];
      return () => {};
    },
    async () => void made.push(networks.now()),
    (event) => said.push(event),
  );
  return {
    networks,
    say: (...pools: string[]) => say(pools),
    fail: () => fail(new Error("no")),
    made,
    said,
    first,
  };
}

test("what the control plane says first counts, and a gateway that has it already stays", async () => {
  const other = followed([OLD]);
  other.say(NEW);
  await other.first;
  expect(other.made).toEqual([[NEW]]);
  const same = followed([OLD, NEW]);
  same.say(NEW, OLD);
  await same.first;
  expect(same.made).toEqual([]);
});

test("later a pool is added, and none goes: that would make the gateway anew for what projects do", async () => {
  const { networks, say, made, first } = followed([OLD]);
  say(OLD);
  await first;
  say(NEW, OLD);
  expect(networks.now()).toEqual([OLD, NEW]);
  say(NEW);
  expect(networks.now()).toEqual([OLD, NEW]);
  expect(made).toEqual([[OLD, NEW]]);
});

test("where it cannot be asked, what was known counts", async () => {
  const { networks, fail, said, first } = followed([OLD]);
  fail();
  await first;
  expect(networks.now()).toEqual([OLD]);
  expect(said).toEqual(["subnet-pools-unread"]);
});

test("what the gateway was last told is read from its configuration", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "slipway-networks-"));
  onTestFinished(async () => await rm(dataDir, { recursive: true, force: true }));
  const config = { instanceId: "abcd2345", dataDir };
  expect(await installedNetworks(dataDir)).toBeNull();
  const files = await new GatewaySource().files();
  await installConfiguration(config, files);
  expect(await installedNetworks(dataDir)).toBeNull();
  const { directory } = await installConfiguration({ ...config, upstreamNetworks: [OLD] }, files);
  await utimes(join(directory, "settings.json"), new Date(), new Date(Date.now() + 10_000));
  expect(await installedNetworks(dataDir)).toEqual([OLD]);
});
