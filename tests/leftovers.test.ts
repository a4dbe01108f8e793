import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nodeCommand } from "../scripts/setup/nodeCommand.ts";
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

test("what a killed process noted is removed, and what a living one noted stays", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "slipway-left-"));
  const ours = await mkdtemp(join(tmpdir(), "slipway-ours-"));
  const forget = await noteInstance({ instanceId: null, dataDir: ours }, folder);
  const [program, ...args] = nodeCommand("tests/leftovers/unfinishedTest.ts", KILLED, dataDir, folder);
  const killed = spawn(program, args, {
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
