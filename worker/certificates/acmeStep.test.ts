import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { acmeOutcome, acmeStep, afterFailure, afterSuccess } from "./acmeStep.ts";
import type { AcmeState } from "./acmeStore.ts";
import type { CertificatePair } from "./certificateFacts.ts";
import { LocalCa } from "./localCa.ts";

const NOW = Date.parse("2026-06-01");
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const [HERE, THERE] = ["https://here.example/dir", "https://there.example/dir"];
const at = (days: number, directory = HERE) => ({
  ...{ domain: "shop.example.com", directory, now: NOW + days * DAY_MS },
});
const NEVER: AcmeState = { failures: 0, retryAt: null };
const REFUSED = { kind: "dns", message: "NXDOMAIN", notBefore: null };

let pair: CertificatePair;
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "slipway-step-"));
  const { chain, key } = await (
    await LocalCa.open(folder, NOW)
  ).issue({ dns: ["shop.example.com"], ips: [] }, NOW);
  pair = { chain, key };
  await rm(folder, { recursive: true });
});

test("a certificate is asked for where there is none, and anew after two thirds of its life", () => {
  expect(acmeStep(NEVER, at(0))).toEqual({ serves: null, isDue: true });
  const state = afterSuccess(pair, HERE);
  expect(acmeStep(state, at(50))).toEqual({ serves: pair, isDue: false });
  expect(acmeStep(state, at(61))).toEqual({ serves: pair, isDue: true });
  expect(acmeStep(state, at(91))).toEqual({ serves: null, isDue: true });
  const unreadable = { ...state, pair: { chain: "no", key: "no" } };
  expect(acmeStep(unreadable, at(1))).toEqual({ serves: null, isDue: true });
});

test("one of another authority serves, and another one is asked for; where it is from is not always known", () => {
  const state = afterSuccess(pair, THERE);
  expect(acmeStep(state, at(1))).toEqual({ serves: pair, isDue: true });
  expect(acmeOutcome(state, at(1)).state).toBe("none");
  const { directory: _, asked: __, ...earlier } = state;
  expect(acmeStep(earlier, at(1))).toEqual({ serves: pair, isDue: false });
  expect(acmeOutcome(earlier, at(1)).state).toBe("issued");
});

test("after a failure it is asked later, each authority by itself, and what serves goes on serving", () => {
  const once = afterFailure(afterSuccess(pair, THERE), at(1), REFUSED);
  expect(once).toMatchObject({ pair, directory: THERE, failures: 1, asked: HERE, kind: "dns" });
  expect(acmeStep(once, at(1))).toEqual({ serves: pair, isDue: false });
  expect(acmeStep(once, at(1.1))).toEqual({ serves: pair, isDue: true });
  expect(acmeStep(once, at(1, "https://third.example/dir")).isDue).toBe(true);
  expect(acmeOutcome(once, at(1))).toEqual({ state: "failed", kind: "dns", message: "NXDOMAIN" });
  const twice = afterFailure(once, at(1), REFUSED);
  expect(twice.failures).toBe(2);
  expect(afterFailure(twice, at(1, "https://third.example/dir"), REFUSED).failures).toBe(1);
  expect(acmeOutcome(afterSuccess(pair, HERE), at(1))).toMatchObject({ state: "issued" });
});

test("when the authority wants to be asked again counts, for at most a day", () => {
  const retryAt = (notBefore: number) => afterFailure(NEVER, at(0), { ...REFUSED, notBefore }).retryAt! - NOW;
  expect(retryAt(NOW + 1_000)).toBeGreaterThanOrEqual(HOUR_MS / 4);
  expect(retryAt(NOW + 3 * HOUR_MS)).toBe(3 * HOUR_MS);
  expect(retryAt(NOW + 30 * DAY_MS)).toBe(DAY_MS);
});
