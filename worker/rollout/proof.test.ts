import { describe, expect, test } from "vitest";
import type { RouteAnswer, RouteProof } from "../gateway/gateway.ts";
import { GatewayError } from "../gateway/gatewayError.ts";
import { VirtualClock } from "../testing/virtualClock.ts";
import { asksOf, SwitchProof, type Ask } from "./proof.ts";

const upstream = (last: number, more: object = {}) => ({
  ...{ address: `10.0.0.${last}`, port: 3000, weight: 1, draining: false, side: "new" as const, ...more },
});

describe("who has to answer", () => {
  test("is nobody of a service that is not rolled out, whether somebody answers there or not", () => {
    const services = [
      { service: "side", prefix: "/side", upstreams: [] },
      { service: "store", prefix: "/store", upstreams: [upstream(2, { side: undefined })] },
      { service: "web", prefix: "/", upstreams: [upstream(1)] },
    ];
    expect(asksOf({ state: "serving", services }, new Map()).map(({ path }) => path)).toEqual(["/"]);
  });

  test("is either side's where a canary gets some of the requests", () => {
    const upstreams = [upstream(1, { side: "old", weight: 90 }), upstream(2, { weight: 10 })];
    const services = [
      { service: "web", prefix: "/", upstreams },
      { service: "api", prefix: "/api", upstreams: [upstream(3, { side: "old" })] },
    ];
    expect(asksOf({ state: "serving", services }, new Map())).toEqual([
      { path: "/", upstreams: new Set(["10.0.0.1:3000", "10.0.0.2:3000"]) },
    ]);
  });

  test("is one of those that get requests, of every service", () => {
    const asks = asksOf(
      {
        state: "serving",
        services: [
          { service: "web", prefix: "/", upstreams: [upstream(1), upstream(2, { standby: true })] },
          { service: "api", prefix: "/api", upstreams: [upstream(3), upstream(4)] },
        ],
      },
      new Map(),
    );
    expect(asks).toEqual([
      { path: "/", upstreams: new Set(["10.0.0.1:3000"]) },
      { path: "/api", upstreams: new Set(["10.0.0.3:3000", "10.0.0.4:3000"]) },
    ]);
  });

  test.each([
    ["at its root", "/", false, "/health", "/health"],
    ["below its prefix", "/api", false, "/api/health?deep=1", "/api/health?deep=1"],
    ["below its prefix, which is stripped", "/api", true, "/health", "/api/health"],
    ["elsewhere, which leads to another service", "/api", false, "/health", "/api"],
    ["at a path that another service has", "/", false, "/admin/health", "/"],
    ["nowhere", "/", false, null, "/"],
  ])(
    "is asked for its health check, which is known to be answered soon: %s",
    (_what, prefix, stripPrefix, ready, path) => {
      const services = [
        { service: "app", prefix, stripPrefix, upstreams: [upstream(1)] },
        { service: "admin", prefix: "/admin", upstreams: [upstream(2)] },
      ];
      const [ask] = asksOf({ state: "serving", services }, new Map([["app", ready]]));
      expect(ask?.path).toBe(path);
    },
  );

  test("is whoever does, where the environment shows a page", () => {
    expect(asksOf({ state: "failed", services: [] }, new Map())).toEqual([{ path: "/", upstreams: null }]);
  });
});

describe("a proof", () => {
  const NEW = "10.0.0.1:3000";
  const ASKS: Ask[] = [{ path: "/", upstreams: new Set([NEW]) }];
  type Answers = (proof: RouteProof) => RouteAnswer | Promise<RouteAnswer>;

  function setUp(answers: Answers) {
    const clock = new VirtualClock();
    const given = { answers, asked: 0 };
    const gateway = {
      proveRoute: async (proof: RouteProof) => {
        given.asked += 1;
        return await given.answers(proof);
      },
    };
    const proof = new SwitchProof("r-1", gateway, clock);
    const look = (version = 7) =>
      proof.look({ namespace: "ns", environment: "deploy", asks: ASKS, version: version });
    return { clock, given, proof, look };
  }
  const answered = (more: Partial<RouteAnswer>): RouteAnswer => ({
    ...{ version: 7, status: 200, upstream: NEW, ...more },
  });

  test.each([
    ["by a new container", {}],
    ["by a newer version", { version: 8 }],
    ["with what its service says at its root", { status: 404 }],
    ["with a service's own 502", { status: 502 }],
  ])("is there once it is answered %s, and nobody is asked again", async (_what, more) => {
    const { given, proof, look } = setUp(() => answered(more));
    await look();
    await look();
    expect(proof.state()).toMatchObject({ proven: true });
    expect(given.asked).toBe(1);
  });

  test.each([
    ["by the gateway alone", { status: 502, upstream: null }, "/ is answered 502 by no container"],
    ["by an old container", { upstream: "10.0.0.9:3000" }, "/ is answered 200 by 10.0.0.9:3000"],
    ["by the table of before", { version: 6 }, "/ is answered by version 6 of the routes, not 7"],
    ["by no table", { version: null, upstream: null }, "/ is answered by no version of the routes, not 7"],
  ])("is not there while it is answered %s", async (_what, more, seen) => {
    const { clock, given, proof, look } = setUp(() => answered(more));
    await look();
    await clock.advance(250);
    await look();
    expect(proof.state()).toEqual({ proven: false, failingMs: 250, seen });
    given.answers = () => answered({});
    await look();
    expect(proof.state()).toMatchObject({ proven: true });
  });

  test("that takes long keeps no look waiting, and counts when it is there", async () => {
    let answer = (_answer: RouteAnswer) => {};
    const { clock, given, proof, look } = setUp(() => new Promise((resolve) => (answer = resolve)));
    const first = look();
    await clock.advance(500);
    await first;
    const second = look();
    await clock.advance(500);
    await second;
    expect([given.asked, proof.state().proven]).toEqual([1, false]);
    answer(answered({}));
    await clock.advance(0);
    expect(proof.state().proven).toBe(true);
  });

  test("fails by what the gateway does not answer in time, not by a gateway that is away", async () => {
    const { clock, given, proof, look } = setUp(() => {
      throw new GatewayError("deadline", "The gateway did not answer GET / within 15000 ms.");
    });
    await look();
    await clock.advance(1_000);
    expect(proof.state()).toMatchObject({ failingMs: 1_000, seen: expect.stringContaining("15000 ms") });
    given.answers = () => {
      throw new GatewayError("unreachable", "It is away.");
    };
    await look();
    await clock.advance(60_000);
    expect(proof.state()).toMatchObject({ proven: false, failingMs: 0 });
  });
});
