import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { averaged, chunkStart, type MetricPoint } from "./metrics.ts";

function point(at: number, fields: Partial<MetricPoint> = {}): MetricPoint {
  const nothing = { cpu: 0, memoryBytes: 0, rxBps: 0, txBps: 0, readBps: 0, writeBps: 0, diskBytes: null };
  return { at, ...nothing, ...fields };
}

describe("chunkStart", () => {
  test("a point ends its interval, so one at a boundary belongs to the chunk before it", () => {
    expect(chunkStart(3_600_000, 3_600_000, 0)).toBe(0);
    expect(chunkStart(3_600_001, 3_600_000, 0)).toBe(3_600_000);
    expect(chunkStart(3_600_000, 3_600_000, 60_000)).toBe(60_000);
  });

  test("chunks lie side by side: every point is behind the start of its chunk and not behind its end", () => {
    const whole = (most: number) => fc.integer({ min: 0, max: most });
    fc.assert(
      fc.property(
        whole(2e12),
        fc.integer({ min: 1, max: 86_400_000 }),
        whole(3_600_000),
        (at, size, offset) => {
          const start = chunkStart(at, size, offset);
          expect(at).toBeGreaterThan(start);
          expect(at).toBeLessThanOrEqual(start + size);
          expect(chunkStart(start + size, size, offset)).toBe(start);
        },
      ),
    );
  });
});

describe("averaged", () => {
  test("gives the mean of each interval at its end, and nothing where there was no point", () => {
    const points = [
      point(60_000, { cpu: 1, memoryBytes: 100, diskBytes: 10 }),
      point(900_000, { cpu: 3, memoryBytes: 200 }),
      point(2_000_000, { cpu: 5, rxBps: 7 }),
    ];
    expect(averaged(points, 900_000, 0)).toEqual([
      point(900_000, { cpu: 2, memoryBytes: 150, diskBytes: 10 }),
      point(2_700_000, { cpu: 5, rxBps: 7 }),
    ]);
  });

  test("counts intervals from the origin", () => {
    const ends = averaged([point(61_000), point(121_000)], 60_000, 1_000).map(({ at }) => at);
    expect(ends).toEqual([61_000, 121_000]);
  });

  test("keeps the mean of everything where the intervals are equally full", () => {
    const values = fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(values, (memory) => {
        const points = memory.map((memoryBytes, index) => point((index + 1) * 1000, { memoryBytes }));
        const halves = averaged(points, 2000, 0);
        const whole = averaged(points, 4000, 0);
        expect(halves).toHaveLength(2);
        const mean = (halves[0]!.memoryBytes + halves[1]!.memoryBytes) / 2;
        // Each is rounded to a whole byte.
        expect(Math.abs(mean - whole[0]!.memoryBytes)).toBeLessThanOrEqual(1);
      }),
    );
  });
});
