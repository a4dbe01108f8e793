import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { api } from "../convex/_generated/api.js";
import { ADMIN, WORKER } from "./controlPlane/driver.ts";
import { embeddedFactory, type EmbeddedDriver, type EmbeddedFactory } from "./controlPlane/embeddedDriver.ts";
import { allEvents, obey, registerHost, type HostLease } from "./controlPlane/world.ts";

/** Many clients at once: no port or subnet ever has two owners, and nothing is lost when all is over. */

const PROJECTS = 500;
/** How many calls are under way at the same time. */
const CLIENTS = 500;

const MANIFEST = {
  services: { web: { stack: "node", route: "/", publish: true } },
  environments: { dev: { cpus: 0.5, memory: "256m" } },
};

let factory: EmbeddedFactory;
let driver: EmbeddedDriver;
let host: HostLease;
let heart: NodeJS.Timeout;

beforeAll(async () => {
  factory = await embeddedFactory();
  driver = await factory.open();
  host = await registerHost(driver, { cpus: 64, memoryBytes: 512 * 1024 ** 3 });
  const { hostId, epoch } = host;
  const beat = () => driver.as(WORKER).mutation(api.worker.heartbeat, { hostId, epoch });
  // A machine under load may need longer than a lease lasts.
  heart = setInterval(() => void beat(), 3000);
}, 120_000);
afterAll(async () => {
  clearInterval(heart);
  await factory?.close();
});

/** Does `work` for each item, `CLIENTS` of them at a time. */
async function together<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const client = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

async function bringUp(name: string): Promise<void> {
  const admin = driver.as(ADMIN);
  const { projectId: project } = await admin.mutation(api.projects.createProject, {
    name,
    manifest: MANIFEST,
  });
  for (const to of ["planning", "development"]) {
    await admin.mutation(api.projects.updateProjectStatus, { project, to });
  }
}

async function takeDown(name: string): Promise<void> {
  const admin = driver.as(ADMIN);
  const { projectId } = await admin.mutation(api.projects.deleteProject, { project: name });
  const { hostId, epoch } = host;
  await driver.as(WORKER).mutation(api.worker.confirmDeleted, { hostId, epoch, projectId });
}

type Held = { owner: string; what: string };

/** Who holds which port and subnet now, as the projects say it. */
async function held(): Promise<Held[]> {
  const admin = driver.as(ADMIN);
  const all: Held[] = [];
  for (let cursor: string | null = null; ;) {
    const page: Awaited<ReturnType<typeof projectPage>> = await projectPage(cursor);
    for (const { slug } of page.page) {
      const view = (await admin.query(api.projects.getProject, { project: slug }))!;
      for (const { kind, subnet, egressSubnet, ports } of view.environments) {
        for (const what of [subnet, egressSubnet, ...Object.values(ports).map(String)]) {
          if (what !== null) all.push({ owner: `${slug} ${kind}`, what });
        }
      }
    }
    if (page.isDone) return all;
    cursor = page.continueCursor;
  }
}

async function projectPage(cursor: string | null) {
  return await driver
    .as(ADMIN)
    .query(api.projects.listProjects, { paginationOpts: { numItems: 100, cursor } });
}

/** Goes through the audit log and follows every port and subnet from owner to owner. */
async function ownersInLog(): Promise<{ doubled: string[]; leaked: string[] }> {
  const owners = new Map<string, string>();
  const doubled: string[] = [];
  for (const { type, namespace, environment, from, to } of await allEvents(driver)) {
    if (type === "port.allocated" || type === "subnet.allocated") {
      if (owners.has(to!)) doubled.push(`${to} of ${owners.get(to!)} was given to ${namespace} too`);
      owners.set(to!, `${namespace} ${environment}`);
    }
    if (type === "port.released" || type === "subnet.released") owners.delete(from!);
  }
  return { doubled, leaked: [...owners.keys()] };
}

describe(`${PROJECTS} creations and deletions by ${CLIENTS} clients at once`, () => {
  const first = Array.from({ length: PROJECTS / 2 }, (_, index) => `first-${index}`);
  const second = Array.from({ length: PROJECTS / 2 }, (_, index) => `second-${index}`);

  test("give every project what nobody else has", async () => {
    await together(first, bringUp);
    const mixed = first.flatMap((name, index) => [() => takeDown(name), () => bringUp(second[index]!)]);
    await together(mixed, (work) => work());
    const now = await held();
    expect(now).toHaveLength(second.length * 3);
    expect(new Set(now.map(({ what }) => what)).size).toBe(now.length);
    expect(await driver.as(ADMIN).query(api.projects.statusCounts, {})).toMatchObject({
      ...{ created: 0, planning: 0, deleting: 0 },
      development: second.length,
    });
    const [machine] = await driver.as(ADMIN).query(api.hosts.listHosts, {});
    expect(machine!.projects).toBe(second.length);
    const { doubled, leaked } = await ownersInLog();
    expect(doubled).toEqual([]);
    expect(leaked.sort()).toEqual(now.map(({ what }) => what).sort());
  }, 300_000);

  test("leave nothing behind, and all is given out again", async () => {
    await together(second, takeDown);
    expect(await held()).toEqual([]);
    expect(await ownersInLog()).toEqual({ doubled: [], leaked: [] });
    await bringUp("after");
    const [subnet, egress, port] = (await held()).map(({ what }) => what);
    // Nothing new is cut while there is something to give out again.
    expect([subnet, egress].every((cidr) => cidr!.startsWith("10.128."))).toBe(true);
    expect(Number(port)).toBeLessThan(30_000 + PROJECTS);
    await obey(driver, host);
  }, 300_000);
});
