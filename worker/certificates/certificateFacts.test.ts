import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { certificateFacts, checkCertificate, covers, type CertificatePair } from "./certificateFacts.ts";
import { LocalCa } from "./localCa.ts";

const NOW = Date.parse("2026-06-01");
const DAY_MS = 24 * 3_600_000;
let folder: string;
let ca: LocalCa;
let other: LocalCa;
let pair: CertificatePair;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-ca-"));
  ca = await LocalCa.open(join(folder, "one"), NOW);
  other = await LocalCa.open(join(folder, "two"), NOW);
  pair = await ca.issue({ dns: ["shop.example.com", "*.apps.example.org"], ips: ["127.0.0.1"] }, NOW);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

test("the local CA is the same at each start, and another one before what it signs would outlive it", async () => {
  expect((await LocalCa.open(join(folder, "one"), NOW)).fingerprint).toBe(ca.fingerprint);
  const tenYearsOn = NOW + 3600 * DAY_MS;
  expect((await LocalCa.open(join(folder, "two"), tenYearsOn)).fingerprint).not.toBe(other.fingerprint);
});

test("what is said of a certificate is what is in it", () => {
  expect(certificateFacts(pair.chain)).toMatchObject({
    names: ["shop.example.com", "*.apps.example.org"],
    notAfter: NOW + 90 * DAY_MS,
    issuer: expect.stringContaining("Slipway local CA"),
  });
});

describe("a certificate that somebody brings", () => {
  test("is taken with its chain, whatever else the file holds", () => {
    const noisy = `Bag Attributes\n${pair.chain}\nsome text\n${ca.certificate}`;
    const checked = checkCertificate({ ...pair, chain: noisy }, "shop.example.com", NOW);
    expect(checked.chain).toMatch(
      /^(-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n){2}$/,
    );
    expect(checked.key).toContain("PRIVATE KEY");
  });

  test.each<[string, () => CertificatePair, string, number, string]>([
    ["another key", () => ({ ...pair, key: "" }), "shop.example.com", NOW, "The key cannot be read"],
    ["no certificate", () => ({ ...pair, chain: "x" }), "shop.example.com", NOW, "no certificate"],
    ["another name", () => pair, "blog.example.com", NOW, "not for blog.example.com"],
    ["a name two labels below", () => pair, "a.b.apps.example.org", NOW, "not for a.b.apps.example.org"],
    ["an end in the past", () => pair, "shop.example.com", NOW + 91 * DAY_MS, "ended on"],
    ["a beginning in the future", () => pair, "shop.example.com", NOW - DAY_MS, "begins on"],
    [
      "somebody else's chain",
      () => ({ ...pair, chain: pair.chain + other.certificate }),
      "shop.example.com",
      NOW,
      "was not issued by the one after it",
    ],
  ])("with %s is refused", (_what, given, domain, now, why) => {
    expect(() => checkCertificate(given(), domain, now)).toThrow(why);
  });

  test("with the key of another one is refused, and nothing of the key is told", async () => {
    const { key } = await ca.issue({ dns: ["shop.example.com"], ips: [] }, NOW);
    expect(() => checkCertificate({ ...pair, key }, "shop.example.com", NOW)).toThrow(
      /^The key is not that of the first certificate\.$/,
    );
  });
});

test("a wildcard covers one label", () => {
  expect(covers(["*.example.com"], "a.example.com")).toBe(true);
  expect(covers(["*.example.com"], "*.example.com")).toBe(true);
  expect(covers(["*.example.com"], "example.com")).toBe(false);
  expect(covers(["*.example.com"], "a.b.example.com")).toBe(false);
});
