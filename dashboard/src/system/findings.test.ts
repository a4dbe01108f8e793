import { expect, test } from "vitest";
import { byGravity, stateOf, summaryOf, type Finding } from "./findings.ts";

const finding = (title: string, state: Finding["state"]): Finding => ({
  title,
  state,
  detail: "",
  fix: null,
});
const some = [
  finding("engine", "ok"),
  finding("disk", "warning"),
  finding("gateway", "failed"),
  finding("routes", "skipped"),
  finding("images", "failed"),
];

test("what failed comes first, in the order it was found", () => {
  expect(byGravity(some).map(({ title }) => title)).toEqual([
    "gateway",
    "images",
    "disk",
    "routes",
    "engine",
  ]);
});

test("a summary says what there is, and of nothing nothing", () => {
  expect(summaryOf(some)).toBe("2 failed, 1 warning, 1 skipped, 1 fine");
  expect(summaryOf([finding("engine", "ok")])).toBe("1 fine");
  expect(summaryOf([])).toBeNull();
});

test("a part is as bad as the worst that is said of it", () => {
  expect(stateOf(some, ["gateway", "routes"])?.state).toBe("failed");
  expect(stateOf(some, ["engine"])?.state).toBe("ok");
  expect(stateOf(some, ["lease"])).toBeNull();
});
