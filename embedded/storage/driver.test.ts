import { afterEach, beforeEach, expect, test } from "vitest";
import { openDriver, type Driver } from "./driver.ts";

let driver: Driver;
beforeEach(() => {
  driver = openDriver(":memory:");
});
afterEach(() => driver.close());

test("a statement that was given what it cannot take works the next time", () => {
  const rows = driver.prepare("SELECT 1 AS one LIMIT ?");
  expect(() => rows.get(2.5)).toThrow(/mismatch/);
  expect(rows.get(1)).toMatchObject({ one: 1 });
  expect(() => rows.all(2.5)).toThrow(/mismatch/);
  expect(rows.all(1)).toEqual([{ one: 1 }]);
});

test("a statement that broke a rule works the next time", () => {
  driver.exec("CREATE TABLE words(word TEXT PRIMARY KEY) STRICT");
  const insert = driver.prepare("INSERT INTO words VALUES(?)");
  expect(insert.run("a")).toBe(1);
  expect(() => insert.run("a")).toThrow(/UNIQUE/);
  expect(insert.run("b")).toBe(1);
});
