import { describe, expect, test } from "vitest";
import { LABELS } from "../core/labels.ts";
import type { ManifestInput } from "../core/manifest.ts";
import type { EnvironmentSpec } from "../core/projectSpec.ts";
import { vProjectRoutes } from "../core/routes.ts";
import { NAMESPACE, projectSpec, STACKS, TEMPLATE } from "../core/render/render.fixtures.ts";
import type { EnvironmentKind, Status } from "../core/lifecycle.ts";
import type { EngineContainer } from "./engine/engine.ts";
import { renderWanted } from "./renderWanted.ts";
import { routesOf } from "./routing.ts";
import { probeTargets, seeProject } from "./seen.ts";

const WEB_AND_API = {
  services: { web: { stack: "static", route: "/" }, api: { stack: "node", route: "/api", replicas: 2 } },
};

/** A project whose containers all run, seen with `ready` deciding which of them answer. */
function see(
  manifest: Partial<ManifestInput>,
  environment: Partial<EnvironmentSpec>,
  {
    ready = () => true,
    change = {},
  }: { ready?: (id: string) => boolean; change?: Partial<EngineContainer> } = {},
) {
  const spec = projectSpec(manifest, [environment]);
  const { project } = renderWanted({ spec, stacks: STACKS, template: TEMPLATE, instanceId: "abcd1234" });
  const containers = (project?.environments ?? []).flatMap(({ kind, services }) =>
    services.flatMap((service) =>
      Array.from({ length: service.replicas }, (_, index): EngineContainer => {
        const name = `${NAMESPACE}-${kind}-${service.service}-${index + 1}`;
        return {
          // Docker's are hex.
          id: `0123456789ab${name}`,
          name,
          image: service.image,
          labels: { ...service.labels, [LABELS.configHash]: service.configHash },
          state: "running",
          health: "starting",
          exitCode: null,
          networks: { [`${NAMESPACE}_${kind}`]: `10.248.0.${service.service.length + index * 10}` },
          ...change,
        };
      }),
    ),
  );
  const snapshot = { containers, networks: [], volumes: [] };
  return seeProject(spec, project, snapshot, { isReady: ready, waitingMs: () => 0 });
}

const shop = (status: Status = "development", manifest: Partial<ManifestInput> = {}) => ({
  namespace: NAMESPACE,
  slug: "shop",
  status,
  manifest: projectSpec(manifest).manifest,
});

describe("a running environment", () => {
  test("serves from the replicas that answer", () => {
    const seen = see(WEB_AND_API, {}, { ready: (id) => !id.endsWith("api-2") });
    expect(routesOf(shop(), seen, new Set(), {})?.environments.dev).toMatchObject({
      state: "serving",
      services: [
        {
          service: "web",
          prefix: "/",
          upstreams: [{ address: "10.248.0.3", port: 8080, container: "0123456789ab" }],
        },
        { service: "api", prefix: "/api", upstreams: [{ address: "10.248.0.3", port: 3000 }] },
      ],
    });
  });

  test("no longer sends anybody where something is about to stop", () => {
    const leaving = new Set([`${NAMESPACE}-dev-api-1`]);
    const routes = routesOf(shop(), see(WEB_AND_API, {}), leaving, {});
    expect(routes?.environments.dev?.services[1]?.upstreams).toMatchObject([{ address: "10.248.0.13" }]);
  });

  test("is starting while nobody answers, and says why where it has failed", () => {
    const seen = see({}, {}, { ready: () => false });
    expect(routesOf(shop(), seen, new Set(), {})?.environments.dev).toEqual({
      state: "starting",
      services: [],
    });
    expect(routesOf(shop(), seen, new Set(), { dev: "no disk" })?.environments.dev).toEqual({
      state: "failed",
      services: [],
      message: "no disk",
    });
  });

  test.each(["!", ""])("says why in whole characters, begun with %j", (begin) => {
    const seen = see({}, {}, { ready: () => false });
    const why = `${begin}${"🚀".repeat(300)}`;
    const { message = "" } = routesOf(shop(), seen, new Set(), { dev: why })?.environments.dev ?? {};
    expect(message.isWellFormed()).toBe(true);
    expect(message.length).toBeGreaterThanOrEqual(499);
    expect(why.startsWith(message)).toBe(true);
  });

  test("says why in no more than the gateway takes, and in whole characters", () => {
    const seen = see({}, {}, { ready: () => false });
    const failures = { dev: `${"a".repeat(499)}\u{1f600}${"b".repeat(100)}` };
    const routes = routesOf(shop(), seen, new Set(), failures);
    expect(routes?.environments.dev?.message).toBe("a".repeat(499));
    expect(vProjectRoutes.safeParse({ ...routes, version: 1 }).success).toBe(true);
  });

  test.each([{ health: "unhealthy" }, { state: "paused" }, { state: "exited" }, { networks: {} }] as const)(
    "sends nobody to a container that is %o, even if it answered before",
    (change) => {
      expect(routesOf(shop(), see({}, {}, { change }), new Set(), {})?.environments.dev?.state).toBe(
        "starting",
      );
    },
  );

  test("asks only containers that could answer", () => {
    expect(probeTargets(NAMESPACE, see({}, {}))).toMatchObject([
      { address: "10.248.0.3", port: 3000, path: "/health" },
    ]);
    expect(probeTargets(NAMESPACE, see({}, {}, { change: { health: "unhealthy" } }))).toEqual([]);
    expect(probeTargets(NAMESPACE, see({}, {}, { change: { state: "exited" } }))).toEqual([]);
  });
});

describe("what the manifest says of the gateway", () => {
  const hash = `pbkdf2-sha256$20000$${"ab".repeat(16)}$${"cd".repeat(32)}`;

  test("is carried in the routes", () => {
    const manifest: Partial<ManifestInput> = {
      services: {
        web: {
          stack: "static",
          route: "/",
          gateway: {
            bodySize: "100m",
            timeouts: { connect: "1s", read: "2m" },
            redirects: [{ from: "/old", to: "/new" }],
            basicAuth: [{ user: "anna", hash }],
            allow: ["10.0.0.0/8"],
            headers: { "X-Robots-Tag": "noindex" },
            stripPrefix: true,
          },
        },
      },
      domains: ["shop.example.com"],
      gateway: { rateLimit: { client: { perSecond: 5, burst: 10 } }, connections: 20 },
    };
    const routes = routesOf(shop("development", manifest), see(manifest, {}), new Set(), {});
    expect(vProjectRoutes.parse({ ...routes, version: 1 })).toMatchObject({
      domains: [{ name: "shop.example.com", environment: "deploy" }],
      limits: { client: { perSecond: 5, burst: 10 }, connections: 20 },
    });
    expect(routes?.environments.dev?.services[0]).toMatchObject({
      stripPrefix: true,
      settings: {
        maxBodyBytes: 100 * 1024 ** 2,
        connectTimeoutMs: 1_000,
        readTimeoutMs: 120_000,
        redirects: [{ from: "/old", to: "/new", status: 308 }],
        basicAuth: [{ user: "anna", iterations: 20_000, saltHex: "ab".repeat(16), hashHex: "cd".repeat(32) }],
        allowIps: ["10.0.0.0/8"],
        responseHeaders: { "X-Robots-Tag": "noindex" },
      },
    });
  });

  test("closes a service whose password is not there", () => {
    const manifest: Partial<ManifestInput> = {
      services: { web: { stack: "static", gateway: { basicAuth: [{ user: "anna", secret: "ANNA" }] } } },
    };
    const routes = routesOf(shop("development", manifest), see(manifest, {}), new Set(), {});
    expect(routes?.environments.dev).toMatchObject({
      state: "failed",
      services: [],
      message: expect.stringContaining("ANNA"),
    });
  });
});

test("a hibernated environment says whether its project is paused", () => {
  const seen = see({}, { desired: "hibernated" });
  expect(routesOf(shop("paused"), seen, new Set(), {})?.environments.dev?.state).toBe("paused");
  expect(routesOf(shop("deployment"), seen, new Set(), {})?.environments.dev?.state).toBe("hibernated");
});

test.each(["created", "planning", "development", "testing", "deployment", "deleting"] as const)(
  "an absent environment of a project in %s has no route",
  (status) => {
    expect(routesOf(shop(status), see({}, { desired: "absent" }), new Set(), {})).toBeNull();
  },
);

test("an environment that only tests has no route", () => {
  expect(routesOf(shop(), see({}, { kind: "test" }), new Set(), {})).toBeNull();
});

describe.each(["paused", "failed"] as const)("a project that is %s", (status) => {
  const absent = (manifest: Partial<ManifestInput>, kind: EnvironmentKind) =>
    routesOf(shop(status, manifest), see(manifest, { kind, desired: "absent" }), new Set(), {});

  test("says so wherever it would serve, though nothing of it is there, and at its own domains", () => {
    const manifest: Partial<ManifestInput> = { domains: ["shop.example.com"] };
    for (const kind of ["dev", "deploy"] as const) {
      const routes = absent(manifest, kind);
      expect(routes?.environments).toMatchObject({ [kind]: { state: status, services: [] } });
      expect(routes?.domains).toEqual([{ name: "shop.example.com", environment: "deploy" }]);
      expect(vProjectRoutes.safeParse({ ...routes, version: 1 }).success).toBe(true);
    }
  });

  test("has no page where it has no service with a route", () => {
    expect(absent({}, "test")).toBeNull();
    const worker = { services: { jobs: { image: "jobs:1" } } };
    for (const kind of ["dev", "deploy"] as const) expect(absent(worker, kind)).toBeNull();
    const image = { services: { web: { image: "web:1", port: 80 } } };
    expect(absent(image, "test")?.environments.test?.state).toBe(status);
  });
});
