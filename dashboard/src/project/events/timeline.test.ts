import { expect, test } from "vitest";
import { EVENT_TYPES } from "../../../../core/eventTypes.ts";
import { actorsOf, daysOf, EVENT_GROUPS, groupOf, isWanted } from "./timeline.ts";

const local = (day: number, hour: number) => new Date(2026, 2, day, hour).getTime();

test("every type of event belongs to a group of its own kind", () => {
  const strangers = EVENT_TYPES.filter((type) => groupOf(type) === "project" && !type.startsWith("project."));
  expect(strangers).toEqual([]);
  expect(new Set(EVENT_TYPES.map(groupOf))).toEqual(new Set(Object.keys(EVENT_GROUPS)));
});

test("a filter asks for a group, an actor, or both", () => {
  const event = { type: "deploy.live", actor: { role: "worker", subject: "host1" } } as const;
  expect(isWanted(event, { group: "", actor: "" })).toBe(true);
  expect(isWanted(event, { group: "deploy", actor: "host1" })).toBe(true);
  expect(isWanted(event, { group: "release", actor: "" })).toBe(false);
  expect(isWanted(event, { group: "", actor: "ada" })).toBe(false);
});

test("actors are listed once, by name", () => {
  const by = (subject: string) => ({ type: "project.updated" as const, actor: { role: "admin", subject } });
  expect(actorsOf([by("bo"), by("ada"), by("bo")])).toEqual(["ada", "bo"]);
});

test("days are those of the reader, with names for the last two", () => {
  const events = [local(5, 9), local(5, 1), local(4, 23), local(2, 12)].map((at) => ({ at }));
  const days = daysOf(events, local(5, 10));
  expect(days.map(({ title, events }) => [title, events.length])).toEqual([
    ["Today", 2],
    ["Yesterday", 1],
    ["Monday, March 2, 2026", 1],
  ]);
});

test("yesterday of the first of a month is the last of the one before", () => {
  const last = new Date(2026, 1, 28, 12).getTime();
  expect(daysOf([{ at: last }], local(1, 8))[0]!.title).toBe("Yesterday");
});
