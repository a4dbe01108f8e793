import { expect, test } from "vitest";
import { LIFETIMES, tokenState } from "./tokenState.ts";

test("a token is good until its time is over", () => {
  expect(tokenState({ expiresAt: 2000, revokedAt: null }, 1999)).toBe("good");
  expect(tokenState({ expiresAt: 2000, revokedAt: null }, 2000)).toBe("over");
});

test("a revoked one is revoked, whenever it would have ended", () => {
  expect(tokenState({ expiresAt: 2000, revokedAt: 1500 }, 1600)).toBe("revoked");
  expect(tokenState({ expiresAt: 2000, revokedAt: 1500 }, 2600)).toBe("revoked");
});

test("lifetimes are between a minute and 366 days, as the control plane wants them", () => {
  for (const { value } of LIFETIMES) {
    expect(Number(value)).toBeGreaterThanOrEqual(60_000);
    expect(Number(value)).toBeLessThanOrEqual(366 * 86_400_000);
  }
});
