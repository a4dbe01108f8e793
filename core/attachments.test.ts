import { describe, expect, test } from "vitest";
import { parseManifest } from "./manifest.ts";

const attached = (...attachments: (string | object)[]) =>
  parseManifest({ name: "shop", stack: "node", attachments }).attachments;

describe("attachments", () => {
  test("are images with an alias, limits and variables of their own", () => {
    expect(attached("postgres:15", { image: "redis:7-alpine", alias: "cache", memory: "1g" })).toEqual([
      { image: "postgres:15", alias: "postgres", env: {}, memory: "512m", cpus: 1 },
      { image: "redis:7-alpine", alias: "cache", env: {}, memory: "1g", cpus: 1 },
    ]);
  });

  test("read as they were written out", () => {
    const once = attached({ image: "postgres:15", volume: "5g", env: { TZ: "UTC" }, publish: true });
    expect(attached(...once)).toEqual(once);
  });

  test.each([
    [["postgres:15", "postgres:16"], "attachments.1.alias"],
    [[{ image: "postgres:15", alias: "app" }], "attachments.0.alias"],
    [[{ image: "postgres:15", alias: "Main" }], "attachments.0.alias"],
    [["ghcr.io/acme/15"], "attachments.0.alias"],
    [["$(rm)"], "attachments.0.image"],
    [[{ image: "a", memory: "5" }], "attachments.0.memory"],
    [[{ image: "a", volume: "1m" }], "attachments.0.volume"],
    [[{ image: "a", env: { PORT: "1" } }], "attachments.0.env.PORT"],
    [[{ image: "a", ports: 1 }], "attachments.0.ports"],
    [[7], "attachments.0"],
    [Array.from({ length: 17 }, (_, index) => ({ image: "a", alias: `a${index}` })), "attachments"],
  ])("of %j are refused, naming %s", (attachments, path) => {
    expect(() => attached(...(attachments as object[]))).toThrow(`${path}: `);
  });
});
