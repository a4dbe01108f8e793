import { access, readFile, readdir, rm, writeFile } from "node:fs/promises";
import https from "node:https";
import { join } from "node:path";
import Docker from "dockerode";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { api } from "../convex/_generated/api.js";
import { LABELS, ownedBy } from "../core/labels.ts";
import { openSession } from "../scripts/cli/lib/session.ts";
import { getProject, type ProjectView } from "../scripts/cli/lib/views.ts";
import { ownedResources } from "../scripts/supervisor/owned.ts";
import { isAlive, startTimeOf } from "../scripts/supervisor/processIdentity.ts";
import { checkFirewall, removeFirewall } from "../worker/firewall/firewall.ts";
import { gatewayPaths } from "../worker/gateway/config.ts";
import { deployingSuite } from "./firstLight/deploying.ts";
import { eventually, TestInstance } from "./firstLight/instance.ts";
import { longTest } from "./long.ts";

/**
 * One Slipway from its first start to its purge, as a person at a terminal meets it: real Docker, real nginx, the real
 * commands. The tests stand in the order of that life and build on each other.
 */

const docker = new Docker();
let slipway: TestInstance;
let firstScreen: string;

beforeAll(async () => {
  slipway = await TestInstance.make();
  const { stdout } = await slipway.up();
  firstScreen = stdout;
}, 600_000);

afterAll(async () => {
  await slipway?.destroy();
}, 120_000);

/** A project as Convex's own client reads it: much quicker than a command, and what a command prints is tested once. */
async function show(project: string): Promise<ProjectView> {
  return await getProject(await openSession(slipway.dataDir), project);
}

async function devUrl(project: string): Promise<string> {
  const { httpPort } = await slipway.instance();
  return `http://localhost:${httpPort}/projects/${(await show(project)).namespace}/dev/`;
}

async function get(url: string): Promise<{ status: number; body: string }> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  return { status: response.status, body: await response.text() };
}

/** Of an answer that is the gateway's: what nginx and the project's containers say of it. */
async function whyNot(project: string, status: number): Promise<string> {
  const { requestLog } = gatewayPaths(slipway.dataDir);
  const logged = await eventually("nginx has written it down", async () => {
    const lines = (await readFile(requestLog, "utf8")).trimEnd().split("\n").slice(-5).join("\n");
    return lines.includes(`"status":${status}`) && lines;
  });
  const said = (await containersOf((await show(project)).namespace)).map(async ({ Id, Status }) => {
    const lines = await docker
      .getContainer(Id)
      .logs({ stdout: true, stderr: true, timestamps: true, tail: 20 });
    return `${Status}\n${lines.toString()}`;
  });
  return [logged, ...(await Promise.all(said))].join("\n");
}

/** Creates a project from a stack's starter and waits until its dev environment runs. */
async function develop(name: string, stack: string): Promise<string> {
  await slipway.must("project", "create", name, "--stack", stack);
  await slipway.must("transition", name, "planning");
  await slipway.must("transition", name, "development", "--wait");
  return await devUrl(name);
}

async function containersOf(namespace: string) {
  return await docker.listContainers({ all: true, filters: { label: [`${LABELS.namespace}=${namespace}`] } });
}

/** Names of everything in Docker that carries `namespace` in its name or on its label. */
async function tracesOf(namespace: string): Promise<string[]> {
  const [containers, networks, { Volumes: volumes }] = await Promise.all([
    docker.listContainers({ all: true }),
    docker.listNetworks(),
    docker.listVolumes(),
  ]);
  const named = [
    ...containers.map(({ Names, Labels }) => ({ name: Names.join(), labels: Labels })),
    ...networks.map(({ Name, Labels }) => ({ name: Name, labels: Labels ?? {} })),
    ...volumes.map(({ Name, Labels }) => ({ name: Name, labels: Labels ?? {} })),
  ];
  return named
    .filter(({ name, labels }) => name.includes(namespace) || labels[LABELS.namespace] === namespace)
    .map(({ name }) => name);
}

describe("the first start", () => {
  test("prints a URL, and that URL shows the starter's page of hello", async () => {
    const url = /http:\/\/localhost:\d+\/projects\/project_\w+\/dev\//.exec(firstScreen)?.[0];
    expect(url).toBe(await devUrl("hello"));
    const { status, body } = await get(url!);
    expect(status).toBe(200);
    expect(body).toContain("hello");
    expect(firstScreen).toContain("npx slipway status");
  });

  test("starting it again says that it runs, and is no failure", async () => {
    const { code, stderr, stdout } = await slipway.slipway("up");
    expect(code).toBe(0);
    expect(stderr).toMatch(/running already \(process \d+/);
    expect(stdout).toContain(await devUrl("hello"));
  });

  test("status and doctor find everything well", async () => {
    const status = await slipway.json<{ parts: Record<string, { ok: boolean }> }>("status");
    expect(Object.entries(status.parts).filter(([, { ok }]) => !ok)).toEqual([]);
    const found = await slipway.json<{ title: string; state: string }[]>("doctor");
    expect(found.filter(({ state }) => state === "failed")).toEqual([]);
  });

  test("the worker's plan for a project that is as desired is empty", async () => {
    expect(await slipway.json("plan", "hello")).toEqual([]);
  });

  test("a project renders to Compose, one environment or all", async () => {
    expect(await slipway.must("render", "hello", "--env", "dev")).toContain("slipway/node");
    const all = await slipway.must("render", "hello");
    expect(all).toContain(`${(await show("hello")).namespace}_deploy`);
  });

  test("project show prints what the control plane knows of it", async () => {
    expect(await slipway.json("project", "show", "hello")).toEqual(await show("hello"));
    const text = await slipway.must("project", "show", "hello");
    for (const part of ["hello", "development", "testing, paused", await devUrl("hello")]) {
      expect(text).toContain(part);
    }
  });

  test("its log is what its container says", async () => {
    const { namespace } = await show("hello");
    const said = await slipway.must("logs", "hello", "dev");
    expect(said.trim()).not.toBe("");
    const [container] = await containersOf(namespace);
    const raw = (await docker.getContainer(container!.Id).logs({ stdout: true, stderr: true })).toString();
    expect(raw).toContain(said.trim().split("\n")[0]);
  });

  test("its events tell who moved it and why", async () => {
    const said = await slipway.must("events", "hello");
    expect(said).toMatch(/project\.transition .*development.* first run/);
  });
});

describe("https and manifests", () => {
  /** By the name of an environment's own, trusting Slipway's CA alone. */
  async function getSecurely(host: string): Promise<number> {
    const { httpsPort } = await slipway.instance();
    const trust = await slipway.json<{ certificate: string }>("trust");
    const ca = await readFile(trust.certificate);
    return await new Promise((resolve, reject) => {
      https
        .get({ host: "127.0.0.1", port: httpsPort, servername: host, ca, headers: { host }, timeout: 10_000 })
        .on("response", (response) => resolve(response.resume().statusCode ?? 0))
        .on("error", reject);
    });
  }

  test("an environment answers by its own name over https, with a certificate of Slipway's CA", async () => {
    // The certificate comes a moment after the project's first containers.
    const status = await eventually("https", () =>
      getSecurely("dev--hello.localhost").catch(() => undefined),
    );
    expect(status).toBe(200);
    const listed = await slipway.json<{ id: string; source: string }[]>("cert", "list");
    expect(listed).toMatchObject(["base", "project-hello"].map((id) => ({ id, source: "local" })));
  });

  test("another manifest changes what it is about, and a stale one is refused", async () => {
    const { manifest, manifestRevision, namespace } = await show("hello");
    const before = (await containersOf(namespace)).map(({ Id }) => Id);
    const file = join(slipway.dataDir, "hello.yml");
    const changed = {
      ...(manifest as object),
      domains: ["hello.example.com"],
      gateway: { connections: 500 },
    };
    await writeFile(file, JSON.stringify(changed));
    const update = ["project", "update", "hello", "--file", file, "--revision", String(manifestRevision)];
    expect(await slipway.json(...update, "--wait")).toMatchObject({ changed: ["domains", "gateway"] });
    // What is about the gateway alone restarts nothing.
    expect((await containersOf(namespace)).map(({ Id }) => Id)).toEqual(before);
    await eventually("a certificate for the domain", async () => {
      const listed = await slipway.json<{ id: string }[]>("cert", "list");
      return listed.some(({ id }) => id === "hello.example.com");
    });
    const stale = await slipway.slipway(...update);
    expect([stale.code, stale.stderr]).toEqual([1, expect.stringContaining("changed in between")]);
    // A purge leaves what is not Slipway's.
    await rm(file);
  });
});

describe("moving a project", () => {
  test("paused, its containers stop and its URL answers 503 with a page that says so; back, it serves again", async () => {
    const url = await devUrl("hello");
    const { namespace } = await show("hello");
    await slipway.must("transition", "hello", "paused", "--wait");
    const states = (await containersOf(namespace)).map(({ State }) => State);
    expect(states.filter((state) => state === "running")).toEqual([]);
    const paused = await get(url);
    expect(paused.status).toBe(503);
    expect(paused.body).toMatch(/paused/i);
    await slipway.must("transition", "hello", "development", "--wait");
    expect((await get(url)).status).toBe(200);
  });

  test("an illegal move is refused with what is allowed", async () => {
    const { code, stderr } = await slipway.slipway("transition", "hello", "deployment");
    expect(code).toBe(1);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    for (const allowed of ["testing", "paused", "failed", "deleting"]) expect(stderr).toContain(allowed);
    expect((await show("hello")).status).toBe("development");
  });

  test("a project that there is not is one clear line and exit code 1", async () => {
    const { code, stdout, stderr } = await slipway.slipway("transition", "nosuch", "development");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toBe('✗ There is no project "nosuch". slipway project list shows the projects.\n');
  });

  test("a status that there is not is wrong use", async () => {
    const { code, stderr } = await slipway.slipway("transition", "hello", "developmnt");
    expect(code).toBe(2);
    expect(stderr).toContain("Did you mean development?");
  });

  longTest("the same request id moves once", async () => {
    type Moved = { changed: boolean; from: string };
    const move = ["transition", "hello", "planning", "--request-id", "r-1"];
    const { code } = await slipway.slipway(...move);
    expect(code).toBe(1);
    const pause = ["transition", "hello", "paused", "--request-id", "r-2"];
    const first = await slipway.json<Moved>(...pause);
    await slipway.must("transition", "hello", "development");
    expect(await slipway.json<Moved>(...pause)).toEqual(first);
    expect((await show("hello")).status).toBe("development");
    await slipway.must("transition", "hello", "development", "--wait");
  });
});

describe("several projects", () => {
  test("two of the same stack with the same services run side by side, and each URL shows its own", async () => {
    const urls = { alpha: await develop("alpha", "node"), beta: await develop("beta", "node") };
    expect(urls.alpha).not.toBe(urls.beta);
    for (const [own, other] of [
      ["alpha", "beta"],
      ["beta", "alpha"],
    ] as const) {
      for (let request = 0; request < 10; request++) {
        const { status, body } = await get(urls[own]);
        expect(status).toBe(200);
        expect(body).toContain(own);
        expect(body).not.toContain(other);
      }
    }
  });

  // As those of tests/images.test.ts, which runs each of them confined.
  longTest.each(["python", "react", "static"])("the starter of %s serves its page", async (stack) => {
    const name = `from-${stack}`;
    const url = await develop(name, stack);
    const { status, body } = await get(url);
    expect(status).toBe(200);
    expect(body).toMatch(/<html|<!doctype html/i);
    await slipway.must("project", "delete", name, "--yes", "--wait");
  });
});

deployingSuite(() => slipway);

describe("what a crash leaves", () => {
  test("a worker killed in the middle of a bring-up converges when it is back, and nothing is left over", async () => {
    await slipway.must("project", "create", "gamma");
    await slipway.must("transition", "gamma", "planning");
    const { namespace } = await show("gamma");
    const pid = await slipway.pidOf("worker");
    await slipway.must("transition", "gamma", "development");
    await eventually("the bring-up began", async () => (await tracesOf(namespace)).length > 0);
    process.kill(pid, "SIGKILL");
    await slipway.must("transition", "gamma", "development", "--wait");
    expect(await slipway.pidOf("worker")).not.toBe(pid);
    const { status, body } = await get(await devUrl("gamma"));
    expect(status).toBe(200);
    expect(body).toContain("gamma");
    expect((await containersOf(namespace)).map(({ State }) => State)).toEqual(["running"]);
    expect((await tracesOf(namespace)).sort()).toEqual(
      [
        `/${namespace}-dev-app-1`,
        `${namespace}_dev`,
        `${namespace}_dev_egress`,
        `${namespace}_dev_workspace`,
      ].sort(),
    );
  });

  test("a backend killed and started again has its projects, statuses and subscriptions", async () => {
    const before = await slipway.json<{ slug: string; status: string }[]>("project", "list");
    const session = await openSession(slipway.dataDir);
    const seen: string[] = [];
    await session.subscribed(async (client) => {
      client.onUpdate(api.projects.getProject, { project: "gamma" }, (view) =>
        seen.push(view?.status ?? "gone"),
      );
      await eventually("the first answer", async () => seen.length > 0);
      const pid = await slipway.pidOf("backend");
      process.kill(pid, "SIGKILL");
      await eventually("the backend is back", async () => {
        const { code } = await slipway.slipway("project", "list");
        return code === 0;
      });
      const after = await slipway.json<{ slug: string; status: string }[]>("project", "list");
      expect(after).toEqual(before);
      await slipway.must("transition", "gamma", "paused", "--wait");
      await eventually("the subscription goes on", async () => seen.at(-1) === "paused");
    });
    expect((await get(await devUrl("gamma"))).status).toBe(503);
  });
});

describe("deleting a project", () => {
  test("asks first, and does nothing where nobody can answer", async () => {
    const { code, stderr } = await slipway.slipway("project", "delete", "beta");
    expect(code).toBe(1);
    expect(stderr).toContain("--yes");
    expect((await show("beta")).status).toBe("development");
  });

  test("leaves nothing of it anywhere", async () => {
    const url = await devUrl("beta");
    const { namespace, projectId } = await show("beta");
    await slipway.must("project", "delete", "beta", "--yes", "--wait");
    expect(await tracesOf(namespace)).toEqual([]);
    // The log of requests tells what was asked while it was there; it is bounded, and goes by itself.
    const files = await filesWith(join(slipway.dataDir, "gateway"), namespace);
    expect(files.filter((path) => !/[/]log[/]requests\.log[^/]*$/.test(path))).toEqual([]);
    expect((await get(url)).status).toBe(404);
    for (const name of ["beta", namespace, projectId]) {
      const { code, stderr } = await slipway.slipway("project", "show", name);
      expect({ code, stderr: stderr.includes("There is no project") }).toEqual({ code: 1, stderr: true });
    }
    const list = await slipway.json<{ slug: string }[]>("project", "list");
    expect(list.map(({ slug }) => slug)).not.toContain("beta");
  });
});

describe("stopping", () => {
  test("Ctrl-C ends it cleanly and leaves the projects' containers serving", async () => {
    const url = await devUrl("alpha");
    const children = [await slipway.pidOf("backend"), await slipway.pidOf("worker")];
    const { code, stderr } = await slipway.interrupt();
    expect(code).toBe(0);
    expect(stderr).toContain("keep running");
    expect(await Promise.all(children.map(startTimeOf))).toEqual([null, null]);
    expect((await get(url)).status).toBe(200);
    const { code: listed, stderr: said } = await slipway.slipway("project", "list");
    expect(listed).toBe(1);
    expect(said).toBe("✗ Slipway is not running here. Start it with: npm start\n");
  });

  test("started again in the background, everything is as it was", async () => {
    const { stdout } = await slipway.slipway("up", "-d");
    expect(stdout).toContain("Slipway is running.");
    expect((await show("alpha")).status).toBe("development");
    const { status } = await get(await devUrl("alpha"));
    expect(status, status === 200 ? "" : await whyNot("alpha", status)).toBe(200);
    const created = await slipway.json<{ slug: string }[]>("project", "list");
    expect(created.filter(({ slug }) => slug.startsWith("hello"))).toHaveLength(1);
  });

  longTest("down stops the supervisor and every container, and keeps the data", async () => {
    const { instanceId } = await slipway.instance();
    const supervisor = await slipway.pidOf("supervisor");
    const startTime = (await startTimeOf(supervisor))!;
    await slipway.must("down");
    expect(await isAlive({ pid: supervisor, startTime })).toBe(false);
    const running = await docker.listContainers({ filters: { label: [ownedBy(instanceId)] } });
    expect(running).toEqual([]);
    expect((await ownedResources(docker, instanceId)).volumes.length).toBeGreaterThan(0);
  });

  longTest("up after down serves again", async () => {
    await slipway.must("up", "-d");
    await slipway.must("transition", "alpha", "development", "--wait");
    const url = await devUrl("alpha");
    await eventually("alpha serves", async () => (await get(url)).status === 200);
  });

  test("a purge asks first, and does nothing where nobody can answer", async () => {
    const { code, stderr } = await slipway.slipway("down", "--purge");
    expect(code).toBe(1);
    expect(stderr).toContain("--yes");
    expect((await get(await devUrl("alpha"))).status).toBe(200);
  });

  test("a purge leaves no container, network, volume, firewall rule or file", async () => {
    const { instanceId } = await slipway.instance();
    expect((await checkFirewall(docker, { instanceId })).findings).toEqual([]);
    await slipway.must("down", "--purge", "--yes", "--keep-images");
    expect(await ownedResources(docker, instanceId)).toEqual({ containers: [], networks: [], volumes: [] });
    expect((await removeFirewall(docker, { instanceId })).findings).toEqual([]);
    await expect(access(slipway.dataDir)).rejects.toThrow("ENOENT");
    expect(await docker.listImages({ filters: { label: [ownedBy(instanceId)] } })).toEqual([]);
  });

  test("a second purge finds nothing to do", async () => {
    const { code, stderr } = await slipway.slipway("down", "--purge", "--yes");
    expect(code).toBe(0);
    expect(stderr).toContain("nothing of Slipway's");
  });
});

/** The files below `folder` that contain `text`. */
async function filesWith(folder: string, text: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    if ((await readFile(path, "utf8")).includes(text)) found.push(path);
  }
  return found;
}
