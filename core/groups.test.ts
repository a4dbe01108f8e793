import { describe, expect, it } from "vitest";
import { SlipwayError } from "./errors.ts";
import { makeGroupNamespace, parseGroupAttachments, vGroupName } from "./groups.ts";

describe("groups", () => {
  it("have attachments with an alias each, by default the image's own name", () => {
    const input = [
      "postgres:15",
      { image: "redis:7-alpine", alias: "cache" },
      "ghcr.io/acme/my_db@sha256:ab",
    ];
    const limits = { env: {}, memory: "512m", cpus: 1 };
    expect(parseGroupAttachments(input)).toEqual([
      { image: "postgres:15", alias: "postgres", ...limits },
      { image: "redis:7-alpine", alias: "cache", ...limits },
      { image: "ghcr.io/acme/my_db@sha256:ab", alias: "my-db", ...limits },
    ]);
    expect(parseGroupAttachments(undefined)).toEqual([]);
  });

  it.each([
    [["postgres:15", "postgres:16"]],
    [["$(rm)"]],
    [[{ image: "a", port: 1 }]],
    ["postgres"],
    [[{ image: "a", publish: true }]],
  ])("refuse the attachments %j", (input) => {
    expect(() => parseGroupAttachments(input)).toThrow(SlipwayError);
  });

  it("have a namespace that no project has", () => {
    expect(makeGroupNamespace(1_700_000_000_000, () => 0)).toBe("group_1700000000000_aaaaaaaa");
  });

  it("have a name like a slug", () => {
    expect(vGroupName.safeParse("back-end").success).toBe(true);
    for (const name of ["Back End", "-x", "", "x".repeat(49)])
      expect(vGroupName.safeParse(name).success).toBe(false);
  });
});
