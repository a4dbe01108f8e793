import { expect, test } from "vitest";
import { renewAt, retryDelayMs } from "./renewal.ts";

const DAY_MS = 24 * 3_600_000;
const names = Array.from({ length: 500 }, (_, number) => `shop${number}.example.com`);

test("certificates that began together are renewed after two thirds of their life, spread over three days", () => {
  const life = { notBefore: 0, notAfter: 90 * DAY_MS };
  const days = names.map((name) => renewAt(life, name) / DAY_MS);
  expect(Math.min(...days)).toBeGreaterThanOrEqual(57);
  expect(Math.max(...days)).toBeLessThanOrEqual(60);
  expect(Math.max(...days) - Math.min(...days)).toBeGreaterThan(2.5);
  expect(renewAt(life, "a.example.com")).toBe(renewAt(life, "a.example.com"));
});

test("failures are retried ever later: at most four in the first hour and one a day in the end", () => {
  for (const name of names) {
    let at = 0;
    let inFirstHour = 1;
    for (let failures = 1; failures <= 20; failures += 1) {
      const delay = retryDelayMs(failures, name);
      expect(delay).toBeLessThanOrEqual(30 * 3_600_000);
      at += delay;
      if (at <= 3_600_000) inFirstHour += 1;
    }
    expect(inFirstHour).toBeLessThanOrEqual(4);
    expect(retryDelayMs(20, name)).toBeGreaterThanOrEqual(DAY_MS);
  }
});
