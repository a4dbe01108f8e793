import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { diagnose } from "./check.ts";
import { dashboardChecks } from "./dashboard.ts";
import { gatewayChecks, type GatewayCheckContext } from "./gateway.ts";

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

/** A gateway that answers every request with `status`. @returns its port */
async function answering(status: number): Promise<number> {
  server = createServer((_request, response) => response.writeHead(status).end());
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

async function found(context: Partial<GatewayCheckContext>) {
  const all = await diagnose(
    gatewayChecks({
      ...{ instanceId: "abcd1234", httpPort: 1, projects: async () => ({ known: [] }) },
      gateway: { answeringVersions: async () => new Map() },
      ...context,
    }),
  );
  return new Map(all.map((one) => [one.title, one]));
}

const project = (slug: string, runs = true) => ({ slug, namespace: `project_1700000000000_${slug}`, runs });
const versions = (...slugs: string[]) => ({
  answeringVersions: async () => new Map(slugs.map((slug) => [`project_1700000000000_${slug}`, 1])),
});

test("a gateway that answers is well, also with a page that says what is missing", async () => {
  const httpPort = await answering(404);
  expect((await found({ httpPort })).get("gateway")).toEqual({
    title: "gateway",
    state: "ok",
    detail: `http://localhost:${httpPort}/`,
  });
});

test.each([
  ["fails", async () => await answering(503), /answers 503/],
  ["is not there", async () => 1, /ECONNREFUSED/],
])("a gateway that %s is told with where its log is", async (_how, port, detail) => {
  const gateway = (await found({ httpPort: await port() })).get("gateway");
  expect(gateway).toMatchObject({ state: "failed", detail: expect.stringMatching(detail) });
  expect(gateway).toMatchObject({ fix: expect.stringContaining("docker logs slipway-abcd1234-gateway") });
});

test.each([
  [{ "/slipway.json": 200, "/": 200 }, { state: "ok" }],
  [
    { "/slipway.json": 200, "/": 503 },
    { state: "failed", detail: "it is not built: npm run dashboard:build" },
  ],
  [
    { "/slipway.json": 503, "/": 503 },
    { state: "failed", detail: expect.stringContaining("the worker") },
  ],
])("the dashboard, where its addresses answer %j", async (statuses: Record<string, number>, expected) => {
  server = createServer(({ url }, response) => response.writeHead(statuses[url!] ?? 404).end());
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  expect(await diagnose(dashboardChecks({ httpPort: port }))).toMatchObject([expected]);
  expect(await diagnose(dashboardChecks({ httpPort: 1 }))).toMatchObject([{ state: "skipped" }]);
});

test("routes of the projects that there are, and of no others", async () => {
  const known = [project("shop"), project("blog", false)];
  const routes = async (slugs: string[]) =>
    (await found({ projects: async () => ({ known }), gateway: versions(...slugs) })).get("routes");
  expect(await routes(["shop", "blog"])).toMatchObject({ state: "ok", detail: "of 2 projects" });
  expect(await routes(["shop"])).toMatchObject({ state: "ok", detail: "of 1 project" });
  expect(await routes(["blog", "gone"])).toMatchObject({
    state: "failed",
    detail: "no route to shop; routes of no project: project_1700000000000_gone",
  });
});

test("where nobody knows the projects nothing is said of their routes", async () => {
  const context = { projects: async () => ({ why: "the backend does not answer" }) };
  expect((await found(context)).get("routes")).toEqual({
    title: "routes",
    state: "skipped",
    detail: "the backend does not answer",
  });
});

test("a check that throws has failed, and keeps no other from its answer", async () => {
  const gateway = { answeringVersions: async () => Promise.reject(new Error("no socket")) };
  const all = await found({ httpPort: await answering(200), gateway });
  expect(all.get("gateway")).toMatchObject({ state: "ok" });
  expect(all.get("routes")).toMatchObject({ state: "failed", detail: "no socket" });
});
