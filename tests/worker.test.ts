import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { World } from "./worker/world.ts";
import { longTest } from "./long.ts";

/** The worker against a real engine and a real gateway: what an outside observer sees of projects. */

let world: World;
beforeAll(async () => {
  world = await World.make("w1test01", 28_180);
  await world.startWorker();
});
afterAll(async () => {
  await world?.end();
});
afterEach(async () => {
  for (const { spec } of world.controlPlane.rows.values()) await world.remove(spec);
  expect(await world.owned()).toEqual([]);
});

describe("a project in development", () => {
  test("answers through the gateway, pauses, comes back, and leaves nothing behind", async () => {
    const project = world.controlPlane.create("hello");
    await world.move(project, "development", "running");
    expect((await world.get(project.namespace)).status).toBe(200);
    expect(world.controlPlane.observed(project.projectId, "dev")).toMatchObject({
      message: "",
      endpoints: [`/projects/${project.namespace}/dev/`],
      services: [{ service: "app", replica: 1, state: "running", exitCode: null }],
    });

    await world.move(project, "paused", "hibernated");
    const paused = await world.get(project.namespace);
    expect(paused.status).toBe(503);
    expect(paused.body).toMatch(/paused/i);
    expect((await world.container(project).inspect()).State.Running).toBe(false);

    await world.move(project, "development", "running");
    expect((await world.get(project.namespace)).status).toBe(200);

    await world.move(project, "failed", "absent");
    expect(await world.owned()).toEqual([`${project.namespace}_dev_workspace`]);
    for (const kind of ["dev", "deploy"] as const) {
      const failed = await fetch(world.url(project.namespace, kind));
      expect([failed.status, failed.headers.get("retry-after")]).toEqual([503, "60"]);
      expect(await failed.text()).toContain("The whole project has failed");
    }
    expect((await world.get(project.namespace, "test")).status).toBe(404);

    await world.remove(project);
    expect(await world.owned()).toEqual([]);
    expect((await world.get(project.namespace)).status).toBe(404);
  });

  test("is led to in the subnets of projects alone: nothing else of the machine can be a route", async () => {
    const project = world.controlPlane.create("astray");
    await world.move(project, "development", "running");
    const table = await world.gateway.routes(project.namespace);
    const [service] = table!.environments.dev!.services;
    const push = async (address: string) =>
      await world.gateway.pushProject({
        ...table!,
        version: table!.version + 1,
        environments: {
          dev: { state: "serving", services: [{ ...service!, upstreams: [{ address, port: 80 }] }] },
        },
      });
    for (const address of ["172.17.0.1", "10.129.0.2", "192.168.0.2", "8.8.8.8", "fd00::2"]) {
      await expect(push(address)).rejects.toMatchObject({
        kind: "invalid",
        message: expect.stringContaining("in none of this gateway's upstream networks"),
      });
    }
    expect((await world.get(project.namespace)).status).toBe(200);
    const { address } = service!.upstreams[0]!;
    expect(await push(address)).toBe(table!.version + 1);
  });

  test("is confined, labelled, and has only volumes of its own", async () => {
    const project = world.controlPlane.create("confined", {
      environments: { dev: { cpus: 0.5, memory: "256m" } },
    });
    await world.move(project, "development", "running");
    const { Config, HostConfig, Mounts, NetworkSettings } = await world.container(project).inspect();
    expect(Config.User).toBe("1000:1000");
    expect(HostConfig).toMatchObject({
      Privileged: false,
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges:true"],
      Init: true,
      Memory: 256 * 1024 ** 2,
      MemorySwap: 256 * 1024 ** 2,
      NanoCpus: 500_000_000,
      PidsLimit: 512,
      RestartPolicy: { Name: "unless-stopped" },
      LogConfig: { Type: "json-file", Config: { "max-size": "10m", "max-file": "3" } },
    });
    expect(HostConfig.Tmpfs?.["/tmp"]).toMatch(/noexec,nosuid/);
    expect(HostConfig.Binds ?? []).toEqual([]);
    expect(Mounts.map(({ Type, Name }) => [Type, Name])).toEqual([
      ["volume", `${project.namespace}_dev_workspace`],
    ]);
    expect(Object.keys(NetworkSettings.Networks).sort()).toEqual([
      `${project.namespace}_dev`,
      `${project.namespace}_dev_egress`,
    ]);
    expect(Config.Labels).toMatchObject({
      "slipway.instance": "w1test01",
      "slipway.project": project.projectId,
      "slipway.namespace": project.namespace,
      "slipway.environment": "dev",
      "slipway.service": "app",
      "slipway.generation": "1",
      "com.docker.compose.project": project.namespace,
      "com.docker.compose.service": "dev-app",
      "com.docker.compose.container-number": "1",
    });
    expect(Config.Healthcheck?.Test?.length).toBeGreaterThan(1);
  });

  longTest("keeps its files over a pause and over a change of its configuration", async () => {
    const project = world.controlPlane.create("files");
    await world.move(project, "development", "running");
    const before = (await world.container(project).inspect()).Id;
    await world.run(project, ["node", "-e", 'require("fs").writeFileSync("/workspace/mine.txt", "kept")']);
    await world.move(project, "paused", "hibernated");
    await world.move(project, "development", "running");
    world.controlPlane.edit(project.projectId, { env: { LOG_LEVEL: "debug" } });
    await world.become(project, "running");
    const after = await world.container(project).inspect();
    expect(after.Id).not.toBe(before);
    expect(after.Config.Env).toContain("LOG_LEVEL=debug");
    expect(await world.run(project, ["cat", "/workspace/mine.txt"])).toBe("kept");
    expect((await world.get(project.namespace)).status).toBe(200);
  });

  longTest(
    "gives a service that is added later its starter, and leaves folders that are there as they are",
    async () => {
      const web = { stack: "node", route: "/", folder: "web" };
      const project = world.controlPlane.create("growing", { services: { web } });
      await world.move(project, "development", "running");
      const program =
        'fs.mkdirSync("/workspace/mine"); fs.writeFileSync("/workspace/mine/server.js", SERVER)';
      const server =
        'require("http").createServer((_, answer) => answer.end("mine")).listen(process.env.PORT)';
      await world.run(project, ["node", "-e", program.replace("SERVER", JSON.stringify(server))], "web");
      const services = {
        web,
        page: { stack: "node", route: "/page", folder: "pages/new" },
        mine: { stack: "node", route: "/mine" },
      };
      world.controlPlane.edit(project.projectId, { services });
      await world.become(project, "running");
      expect((await world.get(project.namespace, "dev", "/mine")).body).toBe("mine");
      expect(await world.run(project, ["ls", "/workspace/mine"], "web")).toBe("server.js");
      // The starter's own words: it has no page but its first one.
      expect((await world.get(project.namespace, "dev", "/page")).body).toBe("There is no such page.\n");
      const owners =
        'console.log(["pages", "pages/new", "pages/new/server.js"].map((path) => fs.statSync(`/workspace/${path}`).uid).join())';
      expect(await world.run(project, ["node", "-e", owners], "web")).toBe("1000,1000,1000");
    },
  );

  longTest("starts no container anew for a new generation of the same configuration", async () => {
    const project = world.controlPlane.create("same");
    await world.move(project, "development", "running");
    const before = (await world.container(project).inspect()).State.StartedAt;
    world.controlPlane.edit(project.projectId, {});
    await world.become(project, "running");
    expect((await world.container(project).inspect()).State.StartedAt).toBe(before);
  });
});

longTest("two projects of one stack with the same service names each answer for themselves", async () => {
  const projects = ["one", "two"].map((slug) => world.controlPlane.create(slug));
  for (const project of projects) world.controlPlane.move(project.projectId, "development");
  for (const project of projects) {
    await world.become(project, "running");
    await world.run(project, [
      "node",
      "-e",
      `require("fs").writeFileSync("/workspace/who.txt", ${JSON.stringify(project.slug)})`,
    ]);
  }
  for (const project of projects) {
    expect(await world.run(project, ["cat", "/workspace/who.txt"])).toBe(project.slug);
    expect((await world.get(project.namespace)).body).toContain(project.slug);
  }
});

longTest("several services of a project answer under their own prefixes", async () => {
  const project = world.controlPlane.create("shop", {
    services: { web: { stack: "static", route: "/" }, api: { stack: "node", route: "/api", replicas: 2 } },
  });
  await world.move(project, "development", "running");
  expect((await world.get(project.namespace)).status).toBe(200);
  const api = await world.get(project.namespace, "dev", "/api/");
  expect(api.body).not.toBe((await world.get(project.namespace)).body);
  expect(world.controlPlane.observed(project.projectId, "dev")?.services).toHaveLength(3);
});

longTest("a test environment runs dev's files to the end and says how it went", async () => {
  const project = world.controlPlane.create("tested");
  await world.move(project, "development", "running");
  world.controlPlane.move(project.projectId, "testing");
  await world.become(project, "running", "test");
  await world.move(project, "development", "running");

  const broken = 'require("fs").writeFileSync("/workspace/broken.test.js", "process.exit(3)")';
  await world.run(project, ["node", "-e", broken]);
  world.controlPlane.move(project.projectId, "testing");
  await world.become(project, "failed", "test");
  expect(world.controlPlane.observed(project.projectId, "test")?.message).toMatch(/app ended with 1/);
});

describe("what goes wrong", () => {
  test("an image that is nowhere is named, and used once it is there", async () => {
    const image = "slipway-test/nowhere:1";
    const project = world.controlPlane.create("imageless", {
      services: {
        web: {
          image,
          port: 8080,
          route: "/",
          command: ["node", "-e", 'require("http").createServer((_, out) => out.end("here")).listen(8080)'],
        },
      },
    });
    world.controlPlane.move(project.projectId, "development");
    await world.controlPlane.until(
      () => {
        const conditions = world.controlPlane.observed(project.projectId, "dev")?.conditions;
        return conditions?.find(({ type }) => type === "ImagesReady")?.status === "false";
      },
      "ImagesReady false",
      60_000,
    );
    expect(world.controlPlane.observed(project.projectId, "dev")?.message).toContain(image);

    await world.docker.getImage("slipway/node:20").tag({ repo: "slipway-test/nowhere", tag: "1" });
    try {
      await world.become(project, "running");
      expect(await world.get(project.namespace)).toEqual({ status: 200, body: "here" });
    } finally {
      await world.remove(project);
      await world.docker.getImage(image).remove();
    }
  });

  test("a stack that this host does not have is told at once, with those that it has", async () => {
    const project = world.controlPlane.create("cobol", { stack: "cobol" });
    await world.move(project, "development", "failed");
    expect(world.controlPlane.observed(project.projectId, "dev")?.message).toMatch(/cobol.*node, python/);
  });

  test("a program that crashes in a loop is stopped, with its last lines and its exit code", async () => {
    const project = world.controlPlane.create("crashing", {
      services: { app: { stack: "node", command: "echo no database; exit 7" } },
    });
    await world.move(project, "development", "failed");
    const message = world.controlPlane.observed(project.projectId, "dev")?.message;
    expect(message).toMatch(/exit code 7/);
    expect(message).toMatch(/no database/);
    expect((await world.get(project.namespace)).body).toMatch(/exit code 7/);

    world.controlPlane.edit(project.projectId, { services: { app: { stack: "node" } } });
    await world.become(project, "running");
  });

  test("a subnet that somebody else has is exchanged for another", async () => {
    const project = world.controlPlane.create("taken");
    const foreign = await world.docker.createNetwork({
      Name: "w1test01-foreign",
      IPAM: { Driver: "default", Config: [{ Subnet: world.controlPlane.peekSubnet() }] },
    });
    try {
      await world.move(project, "development", "running");
      expect((await world.get(project.namespace)).status).toBe(200);
    } finally {
      await foreign.remove();
    }
  });
});
