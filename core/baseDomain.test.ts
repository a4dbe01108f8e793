import { expect, test } from "vitest";
import { parseBaseDomain } from "./baseDomain.ts";

test.each([
  [undefined, "localhost"],
  ["", "localhost"],
  ["localhost", "localhost"],
  ["Apps.Example.org", "apps.example.org"],
  [" apps.example.org ", "apps.example.org"],
  ["apps.example.org.", "apps.example.org"],
  ["Apps.Localhost", "apps.localhost"],
  ["Büro.example", "xn--bro-hoa.example"],
  ["box", "box"],
])("%j is the base domain %s", (text, name) => {
  expect(parseBaseDomain(text)).toBe(name);
});

test.each([
  "192.168.1.5",
  "[::1]",
  "*.example.org",
  "apps.example.org:8080",
  "http://apps.example.org",
  "apps.example.org/x",
  "apps..example.org",
  "-apps.example.org",
  "apps_1.example.org",
  "a b.example",
  `${"a".repeat(64)}.example`,
  Array(50).fill("abcd").join("."),
])("%j is refused, with what to correct", (text) => {
  expect(() => parseBaseDomain(text)).toThrow(
    expect.objectContaining({
      data: expect.objectContaining({
        code: "setup",
        message: expect.stringContaining(JSON.stringify(text)),
        hint: expect.stringContaining("SLIPWAY_BASE_DOMAIN"),
      }),
    }),
  );
});
