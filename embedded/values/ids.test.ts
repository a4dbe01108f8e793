import fc from "fast-check";
import { expect, test } from "vitest";
import { newId, tableNumberOf } from "./ids.ts";

test("an id carries its table's number", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 28 - 1 }), (table) => {
      const id = newId(table);
      expect(tableNumberOf(id)).toBe(table);
      expect(id).toMatch(/^[0-9a-hjkmnp-tv-z]{31,37}$/);
    }),
  );
  expect(newId(10_001)).toHaveLength(32);
});

test("a changed character makes it no id", () => {
  const id = newId(10_001);
  for (let i = 0; i < id.length; i++) {
    const other = id[i] === "0" ? "1" : "0";
    expect(tableNumberOf(id.slice(0, i) + other + id.slice(i + 1))).not.toBe(10_001);
  }
});

test("other texts are no ids", () => {
  for (const text of [
    "",
    "abc",
    "messages",
    newId(10_001).toUpperCase(),
    `${newId(10_001)}0`,
    "0".repeat(32),
  ]) {
    expect(tableNumberOf(text) === null || text === "0".repeat(32)).toBe(true);
  }
});
