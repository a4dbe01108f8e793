import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SlipwayError } from "./errors.ts";
import { formatCidr, overlaps, parseCidr, parsePool, subnetAt, subnetCount } from "./subnets.ts";

describe("parsePool", () => {
  it("knows how many subnets there are and which", () => {
    const pool = parsePool("10.128.0.0/10");
    expect(subnetCount(pool)).toBe(65_536);
    expect(subnetAt(pool, 0)).toBe("10.128.0.0/26");
    expect(subnetAt(pool, 5)).toBe("10.128.1.64/26");
    expect(subnetAt(pool, 65_535)).toBe("10.191.255.192/26");
  });

  it.each([
    "10.0.0.1/8",
    "10.0.0.0/33",
    "10.0.0.256/32",
    "nonsense",
    "8.8.8.0/24",
    "10.0.0.0/27",
    "0.0.0.0/0",
  ])("refuses %s", (text) => {
    expect(() => parsePool(text)).toThrow(SlipwayError);
  });
});

describe("subnets of a pool", () => {
  const index = fc.integer({ min: 0, max: 65_535 });

  it("never overlap, and lie inside the pool", () => {
    const pool = parsePool("10.128.0.0/10");
    fc.assert(
      fc.property(index, index, (one, other) => {
        const [a, b] = [parseCidr(subnetAt(pool, one)), parseCidr(subnetAt(pool, other))];
        return overlaps(a, b) === (one === other) && overlaps(a, pool);
      }),
    );
  });

  it("survive being written and read", () => {
    const pool = parsePool("172.16.0.0/12");
    fc.assert(
      fc.property(fc.integer({ min: 0, max: subnetCount(pool) - 1 }), (at) => {
        const text = subnetAt(pool, at);
        return formatCidr(parseCidr(text)) === text;
      }),
    );
  });
});
