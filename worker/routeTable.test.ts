import { expect, test } from "vitest";
import type { ProjectRoutesInput } from "../core/routes.ts";
import type { Gateway } from "./gateway/gateway.ts";
import { RouteTable } from "./routeTable.ts";
import type { UnversionedRoutes } from "./routing.ts";

const A = "project_1700000000000_aaaaaaaa";
const routes = (state: "starting" | "paused"): UnversionedRoutes => ({
  namespace: A,
  slug: "shop",
  environments: { dev: { state, services: [] } },
});

/** What the gateway's own rules do with versions. */
function setUp() {
  const table = new Map<string, ProjectRoutesInput>();
  const calls: string[] = [];
  const gateway = {
    async pushProject(pushed: ProjectRoutesInput) {
      calls.push(`push ${pushed.environments.dev?.state}`);
      if (pushed.version <= (table.get(pushed.namespace)?.version ?? 0)) throw new Error("stale");
      table.set(pushed.namespace, pushed);
      return pushed.version;
    },
    async removeProject(namespace: string) {
      calls.push("remove");
      table.delete(namespace);
    },
    async answeringVersions() {
      return new Map([...table].map(([namespace, { version }]) => [namespace, version]));
    },
  } as Gateway;
  return { gateway, table, calls };
}

test("only what changed is pushed", async () => {
  const { gateway, calls } = setUp();
  const known = new RouteTable(gateway, () => 1_000);
  await known.put(A, routes("starting"));
  await known.put(A, routes("starting"));
  await known.put(A, routes("paused"));
  await known.put(A, null);
  await known.put(A, null);
  expect(calls).toEqual(["push starting", "push paused", "remove"]);
});

test("versions rise, within a millisecond, over a restart, and when the clock goes back", async () => {
  const { gateway, table } = setUp();
  const first = new RouteTable(gateway, () => 5_000);
  await first.put(A, routes("starting"));
  await first.put(A, routes("paused"));
  const second = new RouteTable(gateway, () => 1_000);
  await second.compare();
  await second.put(A, routes("starting"));
  expect(table.get(A)?.version).toBe(5_002);
});

test("what the gateway lost is pushed again, and what nobody here speaks of is named", async () => {
  const { gateway, table, calls } = setUp();
  const known = new RouteTable(gateway, () => 1_000);
  await known.put(A, routes("starting"));
  table.clear();
  table.set("stranger", { ...routes("paused"), version: 3 });
  expect(await known.compare()).toEqual({ lost: [A], unknown: ["stranger"] });
  await known.put(A, routes("starting"));
  expect(calls).toEqual(["push starting", "push starting"]);
});

test("what failed is tried again although it is the same", async () => {
  const { gateway, calls } = setUp();
  const known = new RouteTable(gateway, () => 1_000);
  const push = gateway.pushProject.bind(gateway);
  gateway.pushProject = () => Promise.reject(new Error("away"));
  await expect(known.put(A, routes("starting"))).rejects.toThrow("away");
  gateway.pushProject = push;
  await known.put(A, routes("starting"));
  expect(calls).toEqual(["push starting"]);
});
