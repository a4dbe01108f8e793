import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Docker from "dockerode";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ownedResources } from "../scripts/supervisor/owned.ts";
import { noteInstance, orphanedNotes } from "./leftovers/ledger.ts";
import { sweepLeftovers } from "./leftovers/sweep.ts";

/** A test run that is killed leaves containers, networks, volumes, rules and folders; the next one removes them. */

const KILLED = "wklefts1";
const docker = new Docker();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-ledger-"));
});
afterAll(async () => {
  await sweepLeftovers(docker, folder);
  await rm(folder, { recursive: true, force: true });
});

const from = (path: string) => JSON.stringify(fileURLToPath(new URL(path, import.meta.url)));
/** A test's process in the middle of its work. */
const TEST = `
  import Docker from "dockerode";
  import { noteInstance } from ${from("leftovers/ledger.ts")};
  import { LABELS } from ${from("../core/labels.ts")};
  import { ensureFirewall } from ${from("../worker/firewall/firewall.ts")};
  const docker = new Docker();
  const instanceId = "${KILLED}";
  const Labels = { [LABELS.instance]: instanceId };
  await noteInstance({ instanceId, dataDir: process.env.DATA_DIR }, process.env.LEDGER);
  const { id } = await docker.createNetwork({ Name: instanceId, Internal: true, Labels, IPAM: {
    Driver: "default", Config: [{ Subnet: "10.249.200.0/28" }] } });
  await docker.createVolume({ Name: instanceId, Labels });
  const container = await docker.createContainer({ Image: "slipway/tools:1", Cmd: ["busybox", "sleep", "600"], Labels,
    HostConfig: { NetworkMode: id, Init: true, Mounts: [{ Type: "volume", Source: instanceId, Target: "/v" }] } });
  await container.start();
  await ensureFirewall(docker, { instanceId });
  console.log("ready");
  setInterval(() => {}, 1000);
`;

test("what a killed process noted is removed, and what a living one noted stays", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "slipway-left-"));
  const ours = await mkdtemp(join(tmpdir(), "slipway-ours-"));
  const forget = await noteInstance({ instanceId: null, dataDir: ours }, folder);
  const killed = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", TEST], {
    env: { ...process.env, LEDGER: folder, DATA_DIR: dataDir },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(killed.stdout, "data");
  expect(await orphanedNotes(folder)).toEqual([]);
  expect(await sweepLeftovers(docker, folder)).toEqual([]);
  killed.kill("SIGKILL");
  await once(killed, "exit");
  expect(await orphanedNotes(folder)).toHaveLength(1);

  expect(await sweepLeftovers(docker, folder)).toEqual([expect.stringContaining(KILLED)]);
  expect(await ownedResources(docker, KILLED)).toEqual({ containers: [], networks: [], volumes: [] });
  await expect(access(dataDir)).rejects.toMatchObject({ code: "ENOENT" });
  await access(ours);
  expect(await orphanedNotes(folder)).toEqual([]);
  await forget();
  await rm(ours, { recursive: true });
});
