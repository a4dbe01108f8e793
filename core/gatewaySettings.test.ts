import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { domainName, routeSettingsOf, vServiceGateway } from "./gatewaySettings.ts";
import { parseManifest } from "./manifest.ts";
import { vRouteSettings } from "./routes.ts";

const withGateway = (gateway: unknown) => ({
  name: "shop",
  services: { web: { stack: "node", route: "/", gateway } },
});

test("a service's route is no longer than the gateway takes", () => {
  const withRoute = (route: string) =>
    parseManifest({ name: "shop", services: { web: { stack: "node", route } } }).services?.web?.route;
  const longest = `/${"a".repeat(499)}`;
  expect(withRoute(longest)).toBe(longest);
  expect(() => withRoute(`${longest}a`)).toThrow("services.web.route");
});

describe("a service's settings", () => {
  test.each([
    ["bodySize", "10", "a size with its unit"],
    ["bodySize", "2000g", "up to 1024g"],
    ["timeouts.read", "48h", "from 1ms to 24h"],
    ["timeouts.reed", "1s", "an unknown key"],
    ["redirects.0.to", "//evil.example", "a path like /new"],
    ["redirects.0.status", 200, "301, 302, 307 or 308"],
    ["basicAuth.0.user", "a:b", "without a colon"],
    ["basicAuth.0.hash", "plain text", "pbkdf2-sha256$"],
    ["allow.0", "10.0.0.0/64", "an address or a network"],
    ["headers.Set-Cookie", "a=b", "lets be set"],
    ["headers.X-Bad", "a\nb", "printable ASCII"],
    ["proxy_pass", "http://x", "an unknown key"],
  ])("%s: %s is refused with its path and what is allowed", (path, value, allowed) => {
    const keys = path.split(".");
    const gateway = keys.reduceRight<unknown>((inner, key) => {
      const whole = key === "0" || /^(from|to|status|user|hash)$/.test(key) ? {} : null;
      if (key === "0") return [inner];
      if (whole && keys[0] === "redirects") return { from: "/a", to: "/b", [key]: inner };
      if (whole && keys[0] === "basicAuth") return { user: "anna", secret: "A", [key]: inner };
      return { [key]: inner };
    }, value);
    const where = path.replace(/\.Set-Cookie$/, "");
    expect(() => parseManifest(withGateway(gateway))).toThrow(`services.web.gateway.${where}`);
    expect(() => parseManifest(withGateway(gateway))).toThrow(allowed);
  });

  test("a password is a secret's name or a hash, not both and not neither", () => {
    for (const credential of [
      { user: "anna" },
      { user: "anna", secret: "A", hash: `pbkdf2-sha256$1000$${"a".repeat(16)}$${"b".repeat(64)}` },
    ]) {
      expect(() => parseManifest(withGateway({ basicAuth: [credential] }))).toThrow(
        "exactly one of secret and hash",
      );
    }
  });

  test("whatever a manifest may say, the route table takes", () => {
    const size = fc.constantFrom("0b", "1k", "100m", "1024g");
    const time = fc.constantFrom("1ms", "2.5s", "24h");
    const gateway = fc.record(
      {
        bodySize: size,
        timeouts: fc.record({ connect: time, send: time, read: time, stream: time }, { requiredKeys: [] }),
        redirects: fc.array(fc.record({ from: fc.constant("/a"), to: fc.webUrl() }), { maxLength: 3 }),
        allow: fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { minLength: 1, maxLength: 5 }),
        headers: fc.dictionary(
          fc.stringMatching(/^X-[A-Za-z0-9-]{1,20}$/),
          fc.stringMatching(/^[ -~]{0,50}$/),
        ),
        basicAuth: fc.constant([
          { user: "anna", hash: `pbkdf2-sha256$1000$${"a".repeat(16)}$${"b".repeat(64)}` },
        ]),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(gateway, (input) => {
        const parsed = vServiceGateway.safeParse(input);
        if (!parsed.success) return;
        const { settings, missing } = routeSettingsOf(parsed.data);
        expect(missing).toEqual([]);
        vRouteSettings.parse(settings);
      }),
      { numRuns: 100 },
    );
  });
});

describe("a project's domains", () => {
  test("are kept in lower case and punycode, and read back as they were kept", () => {
    const { domains } = parseManifest({
      name: "shop",
      stack: "node",
      domains: ["Shop.Example.COM", "bücher.example"],
    });
    expect(domains).toEqual(["shop.example.com", "xn--bcher-kva.example"]);
    expect(parseManifest({ name: "shop", stack: "node", domains }).domains).toEqual(domains);
  });

  test.each([
    "localhost",
    "a.localhost",
    "192.0.2.1",
    "0x7f.1",
    "[::1]",
    "*.example.com",
    "example",
    "a b.example",
    "shop.example.com/path",
    "user@shop.example.com",
    "shop.example.com:8080",
    "-a.example.com",
    "a..example.com",
    "",
  ])("cannot be %j", (name) => {
    expect(domainName(name)).toBeNull();
    expect(() => parseManifest({ name: "shop", stack: "node", domains: [name] })).toThrow("domains.0: got");
  });

  test("are listed once each, however they are written", () => {
    const domains = ["shop.example.com", "SHOP.example.com."];
    expect(() => parseManifest({ name: "shop", stack: "node", domains })).toThrow("each domain once");
  });
});
