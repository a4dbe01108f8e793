import { expect, test } from "vitest";
import { pathOf } from "./path.ts";

const event = (type: string, from: string | null, to: string | null, at: number) => ({
  type,
  from,
  to,
  at,
  actor: { role: "agent", subject: "developer" },
  reason: null,
  override: false,
});

test("the moves are what is left of the audit log, oldest first", () => {
  const path = pathOf([
    event("project.transition", "planning", "development", 3),
    event("environment.phase", "absent", "running", 2),
    event("project.transition", "created", "planning", 1),
    event("project.created", null, "created", 0),
  ]);
  expect(path.map(({ from, to, at }) => [from, to, at])).toEqual([
    ["created", "planning", 1],
    ["planning", "development", 3],
  ]);
  expect(path[0]!.by).toBe("developer (agent)");
});

test("a status of another version is passed over", () => {
  expect(pathOf([event("project.transition", "archived", "planning", 1)])).toEqual([]);
});

test("who is named for the role is named once", () => {
  const [step] = pathOf([
    { ...event("project.transition", "created", "planning", 1), actor: { role: "admin", subject: "admin" } },
  ]);
  expect(step!.by).toBe("admin");
});
