import fc from "fast-check";
import { expect, test } from "vitest";
import { IntervalIndex } from "./intervalIndex.ts";
import type { Interval } from "./readSet.ts";

const bound = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 4 });
const interval = fc
  .tuple(bound, bound)
  .map(([a, b]): Interval => ({ lower: a < b ? a : b, upper: a < b ? b : a }));
const step = fc.record({ interval, owner: fc.integer({ min: 0, max: 5 }), add: fc.boolean() });

test("finds exactly the owners whose intervals contain a key, whatever was added and removed", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.array(bound, { maxLength: 10 }), (steps, keys) => {
      const index = new IntervalIndex<number>();
      const model = new Map<string, { interval: Interval; owner: number }>();
      for (const { interval: range, owner, add } of steps) {
        const name = `${range.lower}|${range.upper}|${owner}`;
        if (add) {
          index.add(range, owner);
          model.set(name, { interval: range, owner });
        } else {
          index.remove(range, owner);
          model.delete(name);
        }
      }
      for (const key of keys) {
        const found = new Set<number>();
        index.visit(key, (owner) => found.add(owner));
        const expected = [...model.values()]
          .filter(({ interval: { lower, upper } }) => lower <= key && key < upper)
          .map(({ owner }) => owner);
        expect(found).toEqual(new Set(expected));
      }
      expect(index.size).toBe(
        new Set([...model.values()].map((each) => `${each.interval.lower}|${each.interval.upper}`)).size,
      );
    }),
    { numRuns: 2_000 },
  );
});
