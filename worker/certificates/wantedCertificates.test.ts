import { expect, test } from "vitest";
import { projectSpec } from "../../core/render/render.fixtures.ts";
import { baseCertificate, certificatesOf, formatDigest, localOf, parseDigest } from "./wantedCertificates.ts";

test("the gateway's own names have one certificate, which who names nobody gets too", () => {
  expect(baseCertificate("apps.example.org", ["192.0.2.1", "[2001:db8::1]"])).toMatchObject({
    dns: ["apps.example.org", "localhost", "*.apps.example.org"],
    ips: ["127.0.0.1", "::1", "192.0.2.1", "2001:db8::1"],
    forNobody: true,
  });
});

test("a project has one for its environments, by their whole names, and one for each domain", () => {
  const spec = { ...projectSpec({ domains: ["shop.example.com", "shop.internal"] }), slug: "shop" };
  const given = { chain: "c", key: "k" };
  const wanted = certificatesOf(
    { ...spec, certificates: { "shop.internal": given } },
    "apps.example.org",
    false,
  );
  expect(wanted).toMatchObject([
    { id: "project-shop", dns: ["dev", "test", "deploy"].map((kind) => `${kind}--shop.apps.example.org`) },
    { id: "shop.example.com", isPublic: true },
    { id: "shop.internal", isPublic: false, given },
  ]);
  expect(certificatesOf(spec, "apps.example.org", true).map(({ id }) => id)).toEqual([
    "shop.example.com",
    "shop.internal",
  ]);
});

test("a digest is read back as it was written, and anything else as none", () => {
  const digest = { source: "local", notBefore: 1, notAfter: 2, of: "abc" } as const;
  expect(parseDigest(formatDigest(digest))).toEqual(digest);
  for (const text of [undefined, "", "one", "other 1 2 abc"]) expect(parseDigest(text)).toBeNull();
});

test("another authority or another name is another certificate", () => {
  const base = baseCertificate("localhost", []);
  expect(localOf("a", base)).toBe(localOf("a", baseCertificate("localhost", [])));
  expect(localOf("a", base)).not.toBe(localOf("b", base));
  expect(localOf("a", base)).not.toBe(localOf("a", baseCertificate("localhost", ["10.0.0.1"])));
});
