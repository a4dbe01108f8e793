import http from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { ENVIRONMENT_KINDS, type EnvironmentKind } from "../../core/lifecycle.ts";
import { environmentHost, environmentPath, type EnvironmentRoute } from "../../core/routes.ts";
import { ask } from "./client.ts";
import { startLoad } from "./load.ts";
import { nextVersion, routesTo, slugOf, type Upstream, type World } from "./world.ts";

const SHOP = "project_1700000000043_shopcccc";
const BLOG = "project_1700000000044_blogdddd";
const SERVICES = [
  { service: "web", prefix: "/", port: 3000 },
  { service: "api", prefix: "/api", port: 3001 },
  { service: "admin", prefix: "/api/admin", port: 3002 },
] as const;
const REQUESTS = 10_000;
const LANES = 32;
const CHANGES = 1_000;
const CHANGED_PROJECTS = 20;
const DRAIN_MS = 1_000;

type Containers = Record<EnvironmentKind, Upstream>;
/** A way to a service, and the beginning of the names of the containers that may answer it. */
type Way = { host: string; path: string; port: number; expected: string };

const domainOf = (namespace: string) => `${slugOf(namespace)}.example.com`;
const expectedOf = (namespace: string, kind: EnvironmentKind) => `${slugOf(namespace)}-${kind}-`;

/** By path, by each environment's own host, and by the project's domain: to every service each. */
function waysOf(namespace: string): Way[] {
  return ENVIRONMENT_KINDS.flatMap((kind) =>
    SERVICES.flatMap(({ prefix, port }) => {
      const path = prefix === "/" ? "/apis" : `${prefix}/x`;
      const expected = expectedOf(namespace, kind);
      const own = environmentHost(slugOf(namespace), kind, "localhost");
      return [
        { host: "localhost", path: `${environmentPath(namespace, kind)}${path}`, port, expected },
        { host: own, path, port, expected },
        ...(kind === "deploy" ? [{ host: domainOf(namespace), path, port, expected }] : []),
      ];
    }),
  );
}

/** Two projects that have everything alike, and others that change: none gets in another's way. */
export function neighboursSuite(given: () => World, httpPort: number): void {
  describe("two projects with the same services at the same prefixes and ports", () => {
    let world: World;
    let serving: Containers;
    let started = 0;
    const networks = new Map<string, string>();

    /** A container for each environment of a project, all at once; in each all of its services listen. */
    async function start(namespace: string): Promise<Containers> {
      const ports = SERVICES.map(({ port }) => port) as [number, ...number[]];
      const all = ENVIRONMENT_KINDS.map(async (kind): Promise<[EnvironmentKind, Upstream]> => {
        const name = `${expectedOf(namespace, kind)}${(started += 1)}`;
        return [kind, await world.upstream(name, [networks.get(expectedOf(namespace, kind))!], ports)];
      });
      return Object.fromEntries(await Promise.all(all)) as Containers;
    }

    async function push(namespace: string, containers: Containers): Promise<void> {
      const environmentOf = (kind: EnvironmentKind): EnvironmentRoute => ({
        state: "serving",
        services: SERVICES.map(({ service, prefix, port }) => ({
          ...{ service, prefix, stripPrefix: false },
          upstreams: [{ address: containers[kind].address, port, weight: 1, draining: false }],
        })),
      });
      const unlimited = { perSecond: 1_000_000, burst: 1_000_000 };
      await world.gateway.pushProject({
        ...{ namespace, slug: slugOf(namespace), version: nextVersion() },
        environments: Object.fromEntries(ENVIRONMENT_KINDS.map((kind) => [kind, environmentOf(kind)])),
        domains: [{ name: domainOf(namespace), environment: "deploy" }],
        limits: { project: unlimited, client: unlimited },
      });
    }

    beforeAll(async () => {
      world = given();
      const places = [SHOP, BLOG].flatMap((namespace) =>
        ENVIRONMENT_KINDS.map((kind) => ({ namespace, kind })),
      );
      await Promise.all(
        places.map(async ({ namespace, kind }) =>
          networks.set(expectedOf(namespace, kind), await world.network(namespace, kind)),
        ),
      );
      const [shop, blog] = await Promise.all([start(SHOP), start(BLOG)]);
      serving = shop;
      await push(SHOP, shop);
      await push(BLOG, blog);
    });

    test(`never answer for one another by any route, not in ${REQUESTS} requests and while one redeploys`, async () => {
      const ways = [...waysOf(SHOP), ...waysOf(BLOG)];
      // Kept connections go from one project to the other with every request.
      const agent = new http.Agent({ keepAlive: true, maxSockets: LANES });
      const wrong: string[] = [];
      const answeredBy = new Set<string>();
      let [sent, redeploys] = [0, true];
      const lanes = Array.from({ length: LANES }, async (_, lane) => {
        while (sent < REQUESTS || redeploys) {
          const { host, path, port, expected } = ways[sent % ways.length]!;
          sent += 1;
          const answer = await ask(httpPort, path, { host, ...(lane % 4 === 0 ? {} : { agent }) });
          const seen =
            answer.status === 200
              ? (JSON.parse(answer.body) as { name: string; port: number })
              : { name: String(answer.status), port };
          answeredBy.add(seen.name);
          if (!seen.name.startsWith(expected) || seen.port !== port)
            wrong.push(`${host}${path} answered by ${seen.name} at ${seen.port}`);
        }
      });
      const before = Object.values(serving);
      const next = await start(SHOP);
      for (const kind of ENVIRONMENT_KINDS) {
        serving = { ...serving, [kind]: next[kind] };
        await push(SHOP, serving);
      }
      // Draining is a matter of time, not of a condition that could be seen from here.
      await pause(DRAIN_MS);
      await Promise.all(before.map(({ id }) => world.docker.getContainer(id).remove({ force: true })));
      redeploys = false;
      await Promise.all(lanes);
      agent.destroy();
      expect(wrong).toEqual([]);
      expect(sent).toBeGreaterThanOrEqual(REQUESTS);
      expect(answeredBy.size).toBe(3 * ENVIRONMENT_KINDS.length);
    });

    test(`do not notice ${CHANGES} changes of others' routes, as fast as they go`, async () => {
      const load = startLoad(httpPort, environmentPath(SHOP, "dev"), {
        ...{ lanes: 8, expected: expectedOf(SHOP, "dev") },
      });
      const others = Array.from(
        { length: CHANGED_PROJECTS },
        (_, number) => `project_1700000001${100 + number}_other${100 + number}`,
      );
      await expect.poll(() => load.outcome.sent, { timeout: 10_000 }).toBeGreaterThan(20);
      const before = load.outcome.sent;
      const began = performance.now();
      await Promise.all(
        others.map(async (other) => {
          for (let count = 0; count < CHANGES / CHANGED_PROJECTS; count += 1)
            await world.gateway.pushProject(routesTo(other, { dev: [serving.dev] }));
        }),
      );
      const seconds = (performance.now() - began) / 1000;
      const meanwhile = load.outcome.sent - before;
      const { failures } = await load.stop();
      console.log(`${Math.round(CHANGES / seconds)} route changes a second, ${meanwhile} requests meanwhile`);
      expect(failures).toEqual([]);
      expect(meanwhile).toBeGreaterThan(0);
      await Promise.all(others.map((other) => world.gateway.removeProject(other)));
    });
  });
}
