import { expect, test } from "vitest";
import type { Summary } from "../board/Card.tsx";
import { arrange, type Wanted } from "./arrange.ts";

const project = (slug: string, more: Partial<Summary> = {}) =>
  ({
    slug,
    name: slug,
    stack: "node",
    status: "development",
    createdAt: 1,
    statusChangedAt: 1,
    host: null,
    ...more,
  }) as Summary;
const slugs = (projects: Summary[], wanted: Partial<Wanted>) =>
  arrange(projects, { words: "", statuses: [], order: { by: "name", isDescending: false }, ...wanted }).map(
    ({ slug }) => slug,
  );

const three = [
  project("shop-10", { statusChangedAt: 3, status: "failed" }),
  project("shop-9", { statusChangedAt: 1, stack: "react" }),
  project("blog", { statusChangedAt: 2, status: "paused" }),
];

test("names are sorted as people count", () => {
  expect(slugs(three, {})).toEqual(["blog", "shop-9", "shop-10"]);
});

test("every word has to be there, in the name or the stack", () => {
  expect(slugs(three, { words: "SHOP react" })).toEqual(["shop-9"]);
  expect(slugs(three, { words: "shop blog" })).toEqual([]);
});

test("statuses filter, and order by the lifecycle", () => {
  expect(slugs(three, { statuses: ["failed", "paused"] })).toEqual(["blog", "shop-10"]);
  expect(slugs(three, { order: { by: "status", isDescending: false } })).toEqual([
    "shop-9",
    "blog",
    "shop-10",
  ]);
});

test("the last changed comes first when that is asked for", () => {
  expect(slugs(three, { order: { by: "changed", isDescending: true } })).toEqual([
    "shop-10",
    "blog",
    "shop-9",
  ]);
});
