import { afterEach, expect, test, vi } from "vitest";
import { makeSignInCode, sealToken, signInCodeHash } from "../core/signInLink.ts";
import { driverOf, openConvexTest } from "../tests/controlPlane/convexTestDriver.ts";
import { ADMIN } from "../tests/controlPlane/driver.ts";
import { expectRefused } from "../tests/controlPlane/expectRefused.ts";
import { api } from "./_generated/api.js";

afterEach(() => {
  vi.useRealTimers();
});

test("a sign-in link is good for its time, and then its row goes by itself", async () => {
  vi.useFakeTimers();
  const t = openConvexTest();
  const driver = driverOf(t);
  const rows = () => t.run(async (ctx) => (await ctx.db.query("signInOffers").collect()).length);
  const code = makeSignInCode();
  const codeHash = signInCodeHash(code);
  const expiresAt = Date.now() + 600_000;
  await driver.as(ADMIN).mutation(api.signIn.offer, { codeHash, sealed: sealToken(code, "t"), expiresAt });
  expect(await rows()).toBe(1);
  // Where the schedule is late, the time counts.
  vi.setSystemTime(expiresAt);
  await expectRefused(driver.as(null).mutation(api.signIn.take, { codeHash }), "not_found");
  await t.finishAllScheduledFunctions(vi.runAllTimers);
  expect(await rows()).toBe(0);
});
