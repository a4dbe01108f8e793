import { describe, expect, test } from "vitest";
import type { ProjectRoutes } from "../core/routes.ts";
import { GatewayError } from "./gateway/gatewayError.ts";
import type { ProbeTarget } from "./readiness.ts";
import { RoutedBefore } from "./routedBefore.ts";

const NAMESPACE = "project_1700000000001_abcd2345";
const ID = "0123456789ab";
const app: ProbeTarget = {
  ...{ id: `${ID}${"0".repeat(52)}`, namespace: NAMESPACE, address: "10.1.2.3", port: 3000, path: "/health" },
};

function table(upstream: Partial<ProjectRoutes["environments"]["dev"] & object> | object): ProjectRoutes {
  const upstreams = [
    { address: "10.1.2.3", port: 3000, container: ID, weight: 1, draining: false, ...upstream },
  ];
  const services = [{ service: "app", prefix: "/", stripPrefix: false, upstreams }];
  const environments = { dev: { state: "serving" as const, services } };
  return { namespace: NAMESPACE, slug: "shop", version: 1, environments, domains: [] };
}

const marks = async (routed: RoutedBefore, targets = [app]) =>
  (await routed.mark(NAMESPACE, targets)).map(({ wasRouted }) => wasRouted ?? false);

describe("a container", () => {
  const first = (upstream: object) => marks(new RoutedBefore({ routes: async () => table(upstream) }));

  test("that the gateway's table leads to was routed, also where it stands by", async () => {
    expect(await first({})).toEqual([true]);
    expect(await first({ side: "old", standby: true })).toEqual([true]);
  });

  test("that has another's address by now was not", async () => {
    expect(await first({ container: "ba9876543210" })).toEqual([false]);
    expect(await first({ container: undefined })).toEqual([false]);
    expect(await first({ address: "10.1.2.4" })).toEqual([false]);
    expect(await first({ port: 3001 })).toEqual([false]);
  });

  test("that ended before the table was asked was not", async () => {
    const routed = new RoutedBefore({ routes: async () => table({}) });
    routed.noteEnded(NAMESPACE, app.id);
    expect(await marks(routed)).toEqual([false]);
  });
});

test("the table is asked once, when something is to be asked whether it is ready", async () => {
  let asked = 0;
  const routes = async () => {
    asked += 1;
    return table({});
  };
  const routed = new RoutedBefore({ routes });
  expect([await marks(routed), await marks(routed)]).toEqual([[true], [false]]);
  const idle = new RoutedBefore({ routes });
  expect([await marks(idle, []), await marks(idle)]).toEqual([[], [false]]);
  expect(asked).toBe(1);
});

test("a gateway that is away is asked again at the next look", async () => {
  let away = true;
  const routed = new RoutedBefore({
    routes: async () => {
      if (away) throw new GatewayError("unreachable", "It is away.");
      return table({});
    },
  });
  expect(await marks(routed)).toEqual([false]);
  away = false;
  expect(await marks(routed)).toEqual([true]);
});
