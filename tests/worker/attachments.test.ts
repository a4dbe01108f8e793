import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { credentialName } from "../../core/render/hidden.ts";
import type { ProjectSpec } from "../../core/projectSpec.ts";
import { deriveCredential } from "../../worker/attachments/credentials.ts";
import { CREDENTIALS_KEY, World } from "./world.ts";
import { longTest } from "../long.ts";

/** Databases as a project's own programs meet them: real PostgreSQL, real Redis, the URL that the environment gives. */

let world: World;
beforeAll(async () => {
  world = await World.make("wkattch1", 28_186);
  await world.startWorker();
});
afterAll(async () => {
  await world?.end();
});

/** Runs `psql` in the database's container, over TCP and with a password, as a client from elsewhere would. */
const psql = (project: ProjectSpec, kind: string, password: string, statement: string) =>
  world.run(
    project,
    ["sh", "-c", `PGPASSWORD='${password}' psql -h "$(hostname -i)" -U app -d app -AtqX -c "${statement}"`],
    "postgres",
    kind,
  );
const passwordOf = (project: ProjectSpec, kind: "dev" | "test", alias = "postgres") =>
  deriveCredential(CREDENTIALS_KEY, credentialName(project.namespace, kind, alias, "password"));
const variable = (project: ProjectSpec, name: string, kind = "dev") =>
  world.run(project, ["sh", "-c", `printf %s "$${name}"`], "app", kind);

describe("a project with a database and a cache", () => {
  let project: ProjectSpec;
  beforeAll(async () => {
    project = world.controlPlane.create("shop", {
      attachments: [
        { image: "postgres:15", publish: true },
        { image: "redis:7-alpine", alias: "cache" },
      ],
    });
    world.controlPlane.move(project.projectId, "development");
    // The first project that ever needs these images waits for them to be made.
    await world.become(project, "running", "dev", 300_000);
  });
  afterAll(async () => {
    await world.remove(project);
  });

  test("is told where they are, and gets in with that", async () => {
    const url = new URL(await variable(project, "DATABASE_URL"));
    expect(url.host).toBe("postgres:5432");
    expect(url.password).toBe(passwordOf(project, "dev"));
    expect(await psql(project, "dev", url.password, "SELECT current_user, current_database()")).toBe(
      "app|app",
    );
    const cache = new URL(await variable(project, "REDIS_URL"));
    expect(cache.host).toBe("cache:6379");
    expect(
      await talkFromApp(cache.hostname, 6379, `AUTH ${cache.password}\\r\\nSET a 1\\r\\nQUIT\\r\\n`),
    ).toBe("+OK\r\n+OK\r\n+OK");
  });

  test("is refused with a wrong password, or with none", async () => {
    await expect(psql(project, "dev", "wrong", "SELECT 1")).rejects.toThrow(/password authentication failed/);
    await expect(psql(project, "dev", "", "SELECT 1")).rejects.toThrow(/no password supplied/);
    expect(await talkFromApp("cache", 6379, "SET a 2\\r\\nQUIT\\r\\n")).toContain("-NOAUTH");
  });

  test("finds its data again after its containers were removed, and after a sleep", async () => {
    const password = passwordOf(project, "dev");
    await psql(project, "dev", password, "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('kept')");
    await talkFromApp(
      "cache",
      6379,
      `AUTH ${passwordOf(project, "dev", "cache")}\\r\\nSET k kept\\r\\nQUIT\\r\\n`,
    );
    const before = (await world.container(project, "postgres").inspect()).Id;
    await world.container(project, "postgres").remove({ force: true });
    await world.container(project, "cache").remove({ force: true });
    await world.eventually("both are there anew", async () => {
      const found = await world
        .container(project, "postgres")
        .inspect()
        .catch(() => null);
      return found !== null && found.Id !== before && (await answers(password));
    });
    await world.move(project, "paused", "hibernated");
    await world.move(project, "development", "running");
    expect(await psql(project, "dev", password, "SELECT word FROM kept")).toBe("kept");
    const cached = `AUTH ${passwordOf(project, "dev", "cache")}\\r\\nGET k\\r\\nQUIT\\r\\n`;
    expect(await talkFromApp("cache", 6379, cached)).toContain("kept");
  });

  test("is confined, database and all, and on no network that leads out", async () => {
    const { HostConfig, Config, NetworkSettings } = await world.container(project, "postgres").inspect();
    expect(Config.User).toBe("1000:1000");
    expect(HostConfig).toMatchObject({ ReadonlyRootfs: true, CapDrop: ["ALL"], Memory: 512 * 1024 ** 2 });
    expect(HostConfig.SecurityOpt).toContain("no-new-privileges:true");
    expect(Object.keys(NetworkSettings.Networks)).toEqual([`${project.namespace}_dev`]);
  });

  test("can be reached from the host at the port that its services are told of", async () => {
    const port = Number(await variable(project, "DEV_POSTGRES_PORT"));
    const answers = await ask(port);
    // PostgreSQL's one byte to a client that asks for TLS: N, it has none.
    expect(answers).toBe("N");
  });

  longTest("has another database, with another password, in its tests", async () => {
    expect(passwordOf(project, "test")).not.toBe(passwordOf(project, "dev"));
    world.controlPlane.move(project.projectId, "testing");
    await world.eventually("the tests' database answers", async () => {
      return (await psql(project, "test", passwordOf(project, "test"), "SELECT 1").catch(() => "")) === "1";
    });
    await expect(psql(project, "test", passwordOf(project, "test"), "SELECT word FROM kept")).rejects.toThrow(
      /relation .*kept.* does not exist/,
    );
    await expect(psql(project, "test", passwordOf(project, "dev"), "SELECT 1")).rejects.toThrow(
      /authentication failed/,
    );
    world.controlPlane.move(project.projectId, "development");
    await world.become(project, "absent", "test");
    const { Volumes } = await world.docker.listVolumes();
    const names = Volumes.map(({ Name }) => Name).filter((name) => name.startsWith(project.namespace));
    expect(names.filter((name) => name.includes("_test_"))).toEqual([]);
    expect(names).toContain(`${project.namespace}_dev_data_postgres`);
  });

  async function answers(password: string): Promise<boolean> {
    return (await psql(project, "dev", password, "SELECT 1").catch(() => "")) === "1";
  }

  /** Says `words` (as printf reads them) to a host and port from within the app's container. */
  async function talkFromApp(host: string, port: number, words: string): Promise<string> {
    return await world.run(project, ["sh", "-c", `printf '${words}' | busybox nc -w 5 ${host} ${port}`]);
  }

  async function ask(port: number): Promise<string> {
    const socket = connect(port, "127.0.0.1");
    // SSLRequest: length 8, code 80877103; then the end.
    socket.end(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]));
    return await text(socket);
  }
});

describe("two projects of a group", () => {
  const redis = (namespace: string, words: string) =>
    `printf 'AUTH ${deriveCredential(CREDENTIALS_KEY, credentialName(namespace, "dev", "shared", "password"))}\\r\\n${words}\\r\\nQUIT\\r\\n' | busybox nc -w 5 shared 6379`;

  test("share its network and its attachment, brought up side by side, and the last one takes them along", async () => {
    const group = world.controlPlane.createGroup("backend", [{ image: "redis:7-alpine", alias: "shared" }]);
    const [shop, blog] = ["gshop", "gblog"].map((slug) => world.controlPlane.create(slug, {}, group));
    for (const member of [shop!, blog!]) world.controlPlane.move(member.projectId, "development");
    for (const member of [shop!, blog!]) await world.become(member, "running");

    const say = (member: ProjectSpec, words: string) =>
      world.run(member, ["sh", "-c", redis(group.namespace, words)]);
    await say(shop!, "SET from shop");
    expect(await say(blog!, "GET from")).toContain("shop");
    expect(await variable(blog!, "SHARED_HOST")).toBe("shared");
    for (const name of ["gshop", "app.gshop"]) {
      const fetched = await world.run(blog!, [
        "busybox",
        "wget",
        "-q",
        "-O",
        "-",
        `http://${name}:3000/health`,
      ]);
      expect(fetched).not.toBe("");
    }
    const own = await world.docker.listContainers({ filters: { label: [`slipway.group=backend`] } });
    expect(own).toHaveLength(1);

    // Behind the worker's back: it is made anew, with its data, and members run on.
    const container = world.docker.getContainer(`${group.namespace}-dev-shared-1`);
    const before = (await container.inspect()).Id;
    await container.remove({ force: true });
    await world.eventually("the shared cache is there anew", async () => {
      const found = await container.inspect().catch(() => null);
      return (
        found !== null &&
        found.Id !== before &&
        (await say(blog!, "GET from").catch(() => "")).includes("shop")
      );
    });

    await world.remove(shop!);
    expect(await say(blog!, "GET from")).toContain("shop");
    await world.remove(blog!);
    await world.eventually("nothing of the group is left", async () => {
      return (await world.owned()).every((name) => !name.startsWith(group.namespace));
    });
  });
});

longTest("any other image keeps what it declares as volumes, and /data", async () => {
  const image = "slipway-test/volumes:1";
  const made = await world.docker.createContainer({ Image: "slipway/tools:1", Cmd: ["sleep", "3600"] });
  await made.commit({ repo: "slipway-test/volumes", tag: "1", changes: 'VOLUME ["/srv/state"]' });
  await made.remove();
  const project = world.controlPlane.create("other", { attachments: [{ image, alias: "worker" }] });
  try {
    await world.move(project, "development", "running");
    const write = "echo kept > /srv/state/a && echo kept > /data/a && id -u";
    expect(await world.run(project, ["sh", "-c", write], "worker")).toBe("1000");
    const before = (await world.container(project, "worker").inspect()).Id;
    await world.container(project, "worker").remove({ force: true, v: true });
    await world.eventually("it is there anew, with both", async () => {
      const found = await world
        .container(project, "worker")
        .inspect()
        .catch(() => null);
      if (found === null || found.Id === before || !found.State.Running) return false;
      return (await world.run(project, ["cat", "/srv/state/a", "/data/a"], "worker")) === "kept\nkept";
    });
    expect(await variable(project, "WORKER_HOST")).toBe("worker");
  } finally {
    await world.remove(project);
    await world.docker.getImage(image).remove();
  }
});
