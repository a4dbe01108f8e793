import { createSocket } from "node:dgram";
import { readFile, stat, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ProjectSpec } from "../core/projectSpec.ts";
import { pause, realClock } from "../worker/clock.ts";
import { withOutside } from "../worker/firewall/outside.ts";
import { attemptsAt, type Call } from "./isolation/attempts.ts";
import { IsolationWorld } from "./isolation/isolationWorld.ts";
import { documented, printed, withTable, type Row } from "./isolation/report.ts";
import { times } from "./long.ts";

/**
 * What a project's program tries to reach, read, become and use up, from inside real containers that the real worker
 * made. Beside each attempt stands the same kind of attempt where it is allowed, so that none fails for being broken.
 * Nothing leaves the machine: the outside is a wire with nobody behind it, which counts what is sent there.
 */

const DOCUMENT = new URL("../docs/isolation.md", import.meta.url);
const MIB = 1024 ** 2;
const SENT = 40;
let scene: IsolationWorld;
const rows: Row[] = [];

beforeAll(async () => {
  scene = await IsolationWorld.make("isowrld2", 28_392);
});
afterAll(async () => {
  await scene?.end();
});

const nameOf = (project: ProjectSpec) => (project === scene.open ? "egress open" : "egress none");

/** Makes all attempts of `areas` from both projects' containers, and notes what came of them. */
async function tryAll(areas: readonly string[], together = false): Promise<Row[]> {
  const projects = [scene.open, scene.closed];
  return (await Promise.all(projects.map((project) => tryFrom(project, areas, together)))).flat();
}

/** @returns what did not fail as it should */
async function tryFrom(project: ProjectSpec, areas: readonly string[], together = false): Promise<Row[]> {
  const attempts = attemptsAt(await scene.targetsOf(project)).filter(({ area }) => areas.includes(area));
  // The control comes first: some attempts change the process that makes them.
  const calls = attempts.flatMap(({ control, call }) => [control, call]);
  const outcomes = await scene.attempt(project, calls, { together });
  const tried = attempts.map(({ area, what, fails, outcome }, index): Row => {
    const [control, got] = [outcomes[index * 2]!, outcomes[index * 2 + 1]!];
    const holds = control === "ok" && fails.includes(got);
    return { area, what, outcome, from: nameOf(project), got, control, holds };
  });
  rows.push(...tried);
  return tried.filter(({ holds }) => !holds);
}

test("reaches nobody but its own environment, and nobody as somebody else", async () => {
  expect(await tryAll(["network", "names"], true)).toEqual([]);
});

test("sees no file, device or setting of the host", async () => {
  expect(await tryAll(["files"])).toEqual([]);
});

test("has no rights beyond its own user's", async () => {
  expect(await tryAll(["rights"])).toEqual([]);
});

describe("using everything up", () => {
  test("ends at its own limits, while the gateway and the other project answer", async () => {
    const startedAt = async () =>
      await Promise.all(
        [scene.open, scene.closed].map(
          async (project) => (await scene.world.container(project).inspect()).State.StartedAt,
        ),
      );
    const before = await startedAt();
    const both = [
      [scene.open, scene.closed],
      [scene.closed, scene.open],
    ] as const;
    // What a limit is has nothing to do with egress.
    for (const [project, neighbour] of both.slice(0, times(1, 2))) {
      let done = false;
      const statuses = new Set<number>();
      const watching = (async () => {
        for (; !done; await pause(realClock, 50)) statuses.add(await scene.statusOf(neighbour));
      })();
      const broken = tryFrom(project, ["exhaustion"]).finally(() => (done = true));
      await Promise.all([watching, broken]);
      expect([await broken, [...statuses]]).toEqual([[], [200]]);
      expect(await scene.statusOf(project)).toBe(200);
    }
    expect(await startedAt()).toEqual(before);
  }, 480_000);

  test("of the host's disk by logging ends at the size of the logs", async () => {
    const container = scene.world.container(scene.open, "peer");
    const { LogPath, HostConfig } = await container.inspect();
    const limits = HostConfig.LogConfig?.Config as Record<string, string>;
    const most = Number(limits["max-file"]) * Number(limits["max-size"]!.replace("m", "")) * MIB;
    const line = "x".repeat(1023);
    const program = [
      "import sys",
      `for _ in range(${(most * 1.5) / 1024}): sys.stdout.write("${line}\\n")`,
      'open("written", "w").close()',
    ].join("\n");
    await scene.attempt(scene.open, [["write", "/workspace/peer/server.py", program]], { service: "peer" });
    const bytes = async () =>
      (
        await Promise.all(
          [LogPath, `${LogPath}.1`, `${LogPath}.2`, `${LogPath}.3`].map(
            async (path) => (await stat(path).catch(() => null))?.size ?? 0,
          ),
        )
      ).reduce((all, size) => all + size, 0);
    await scene.world.eventually("all is written", async () => {
      const [outcome] = await scene.attempt(scene.open, [["access", "/workspace/peer/written"]]);
      return outcome === "ok" && (await bytes()) > most * 0.6;
    });
    expect(await bytes()).toBeLessThan(most * 1.05);
    rows.push({
      ...{ area: "exhaustion", what: "fill the host's disk by logging", outcome: "older lines go" },
      ...{ from: nameOf(scene.open), got: "rotated", control: "ok", holds: true },
    });
  });
});

test("an attached database is held as an app is, and knows no way out", async () => {
  const [database] = await scene.world.docker.listContainers({
    filters: { name: [`${scene.open.namespace}-dev-postgres`] },
  });
  const container = scene.world.docker.getContainer(database!.Id);
  const targets = await scene.targetsOf(scene.open);
  const attempts = attemptsAt(targets).filter(
    ({ area, call: [name] }) =>
      (area === "network" && ["tcp", "udp", "icmp", "ipv6"].includes(name)) ||
      (area === "names" && name === "resolve"),
  );
  const outcomes = await scene.attemptFromNetworkOf(
    container,
    attempts.flatMap(({ control, call }) => [control, call]),
  );
  const from = "a database";
  const tried = attempts.map(({ area, what, fails, outcome }, index): Row => {
    const [control, got] = [outcomes[index * 2]!, outcomes[index * 2 + 1]!];
    return { area, what, outcome, from, got, control, holds: control === "ok" && fails.includes(got) };
  });
  rows.push(...tried);
  expect(tried.filter(({ holds }) => !holds)).toEqual([]);

  const { HostConfig, NetworkSettings, State } = await container.inspect();
  const status = await readFile(`/proc/${State.Pid}/status`, "utf8");
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1]?.split("\t");
  for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
    expect(Number(`0x${field(set)![0]}`), set).toBe(0);
  }
  expect([field("Uid")![1], field("NoNewPrivs")![0], field("Seccomp")![0]]).toEqual(["1000", "1", "2"]);
  expect(HostConfig).toMatchObject({ ReadonlyRootfs: true, Privileged: false, PidsLimit: 512, Binds: null });
  expect(Object.keys(NetworkSettings.Networks)).toEqual([`${scene.open.namespace}_dev`]);
});

describe("what is sent", () => {
  /** Packets that came out at the far end. */
  async function sent(project: ProjectSpec, address: string, count: () => Promise<number>): Promise<number> {
    const before = await count();
    await scene.attempt(project, [["send", address, SENT]]);
    return (await count()) - before;
  }

  const told = (packets: number) => (packets < SENT / 2 ? "only the kernel's own" : `${packets} packets`);

  test("to the outside gets there with open egress, and never without", async () => {
    const { docker, instanceId } = scene.world;
    const [open, closed] = await withOutside(docker, instanceId, async ({ address, count }) => [
      await sent(scene.open, address, count),
      await sent(scene.closed, address, count),
    ]);
    expect(open).toBeGreaterThanOrEqual(2 * SENT);
    expect(closed).toBeLessThan(SENT / 2);
    rows.push({
      ...{
        area: "network",
        what: "TCP and UDP to the outside, with `egress: none`",
        outcome: "no packet gets out",
      },
      ...{ from: nameOf(scene.closed), got: told(closed), control: "ok", holds: true },
    });
  });

  test("to a cloud's metadata service never gets there, with open egress either", async () => {
    const { docker, instanceId } = scene.world;
    const sides = { hostSide: "169.254.169.253", farSide: "169.254.169.254" };
    const counts = await withOutside(
      docker,
      instanceId,
      async ({ address, count }) => {
        const control = await sentByTheHost(address, count);
        return {
          control,
          open: await sent(scene.open, address, count),
          closed: await sent(scene.closed, address, count),
        };
      },
      { sides },
    );
    expect(counts.control).toBeGreaterThanOrEqual(SENT);
    expect(counts.open).toBeLessThan(SENT / 2);
    expect(counts.closed).toBeLessThan(SENT / 2);
    for (const [project, got] of [
      [scene.open, counts.open],
      [scene.closed, counts.closed],
    ] as const) {
      rows.push({
        ...{
          area: "network",
          what: "TCP and UDP to a cloud's metadata service",
          outcome: "no packet gets out",
        },
        ...{ from: nameOf(project), got: told(got), control: "ok", holds: true },
      });
    }
  });

  test("to the outside's names ends at Docker's own server without egress", async () => {
    const own: Call = ["resolve", "peer"];
    const [control, got] = await scene.attempt(scene.closed, [own, ["outside_dns", "slipway-probe.invalid"]]);
    expect(control).toBe("ok");
    expect(["refused", "silence"]).toContain(got);
    const { HostConfig } = await scene.world.container(scene.closed).inspect();
    expect(HostConfig.Dns).toEqual(["127.0.0.1"]);
    rows.push({
      ...{ area: "names", what: "a name of the outside, with `egress: none`", outcome: "not asked for" },
      ...{ from: nameOf(scene.closed), got: got!, control: control!, holds: true },
    });
  });
});

test("the table is as documented (SLIPWAY_UPDATE_DOCS=1 writes it)", async () => {
  process.stdout.write(`\n${printed(rows)}\n`);
  expect(rows.length).toBeGreaterThan(150);
  const text = await readFile(DOCUMENT, "utf8");
  const wanted = withTable(text, documented(rows));
  if (process.env.SLIPWAY_UPDATE_DOCS === "1") await writeFile(DOCUMENT, wanted);
  else expect(text).toBe(wanted);
});

/** From the host itself, which may: the wire is there, and counts. */
async function sentByTheHost(address: string, count: () => Promise<number>): Promise<number> {
  const before = await count();
  const socket = createSocket("udp4");
  for (let index = 0; index < SENT; index += 1) {
    await new Promise<void>((resolve, reject) =>
      socket.send("hello", 9, address, (error) => (error ? reject(error) : resolve())),
    );
  }
  socket.close();
  return (await count()) - before;
}
