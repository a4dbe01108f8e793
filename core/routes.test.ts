import { describe, expect, test } from "vitest";
import { environmentHost, environmentPath, vProjectRoutes, type ProjectRoutesInput } from "./routes.ts";

const good: ProjectRoutesInput = {
  namespace: "project_1700000000001_abcd2345",
  slug: "shop",
  version: 1,
  environments: {
    dev: {
      state: "serving",
      services: [{ service: "app", prefix: "/", upstreams: [{ address: "10.1.2.3", port: 3000 }] }],
    },
  },
};

function withService(change: object): unknown {
  const [service] = good.environments.dev?.services ?? [];
  return { ...good, environments: { dev: { state: "serving", services: [{ ...service, ...change }] } } };
}

describe("the route table", () => {
  test("fills in what may be left out", () => {
    expect(vProjectRoutes.parse(good)).toMatchObject({
      domains: [],
      environments: {
        dev: { services: [{ stripPrefix: false, upstreams: [{ weight: 1, draining: false }] }] },
      },
    });
  });

  test("says of its pages what the gateway's JSON takes, whatever a program wrote", () => {
    const message = "\ude80\u001b[31mno\u0000 disk 🚀\ud83d";
    const parsed = vProjectRoutes.parse({
      ...good,
      environments: { dev: { state: "failed", services: [], message } },
    });
    expect(parsed.environments.dev?.message).toBe("\ufffdno disk 🚀\ufffd");
  });

  test.each([
    ["an unknown field", { ...good, snippet: "return 200;" }],
    ["a namespace that could leave its path", { ...good, namespace: "project_1700000000001_../x" }],
    ["a fractional version", { ...good, version: 1.5 }],
    ["an unknown state", { ...good, environments: { dev: { state: "up", services: [] } } }],
    ["a prefix with a slash at its end", withService({ prefix: "/api/" })],
    ["a prefix that needs encoding", withService({ prefix: "/a b" })],
    ["a prefix that the gateway finds too long", withService({ prefix: `/${"a".repeat(500)}` })],
    ["a name for an address", withService({ upstreams: [{ address: "web", port: 80 }] })],
    ["the gateway's own loopback", withService({ upstreams: [{ address: "127.0.0.1", port: 8081 }] })],
    ["loopback in IPv6's dress", withService({ upstreams: [{ address: "::ffff:127.0.0.1", port: 80 }] })],
    ["no address in one of its spellings", withService({ upstreams: [{ address: "0::0:0:0", port: 80 }] })],
    ["the cloud's metadata", withService({ upstreams: [{ address: "169.254.169.254", port: 80 }] })],
    ["multicast", withService({ upstreams: [{ address: "239.1.1.1", port: 80 }] })],
    ["port 0", withService({ upstreams: [{ address: "10.1.2.3", port: 0 }] })],
    ["a header with a line break", withService({ settings: { responseHeaders: { "X-A": "a\r\nb: c" } } })],
    [
      "a header that frames the body",
      withService({ settings: { responseHeaders: { "Content-Length": "1" } } }),
    ],
    [
      "a redirect to another scheme",
      withService({ settings: { redirects: [{ from: "/", to: "javascript:0" }] } }),
    ],
    ["a network of 33 bits", withService({ settings: { allowIps: ["10.0.0.0/33"] } })],
    ["a domain with a path", { ...good, domains: [{ name: "a.example/x", environment: "deploy" }] }],
    ["an upper-case domain", { ...good, domains: [{ name: "Shop.example.com", environment: "deploy" }] }],
    [
      "one domain twice",
      {
        ...good,
        domains: [
          { name: "a.example", environment: "deploy" },
          { name: "a.example", environment: "dev" },
        ],
      },
    ],
  ])("refuses %s", (_what, value) => {
    expect(vProjectRoutes.safeParse(value).success).toBe(false);
  });

  test("has room for canaries, draining containers and domains", () => {
    const value = {
      ...(withService({
        upstreams: [
          { address: "10.1.2.3", port: 3000, weight: 99 },
          { address: "10.1.2.4", port: 3000, weight: 1 },
          { address: "fd00::2", port: 3000, draining: true },
        ],
      }) as object),
      domains: [{ name: "shop.example.com", environment: "deploy" }],
    };
    expect(vProjectRoutes.safeParse(value).error).toBeUndefined();
  });

  test("says where an environment is", () => {
    expect(environmentPath("project_1700000000001_abcd2345", "dev")).toBe(
      "/projects/project_1700000000001_abcd2345/dev",
    );
    expect(environmentHost("shop", "deploy", "localhost")).toBe("deploy--shop.localhost");
  });
});
