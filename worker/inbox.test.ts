import { expect, test } from "vitest";
import { Inbox } from "./inbox.ts";

const row = (projectId: string, generation: number, kind: "dev" | "test" = "dev") => ({
  projectId,
  kind,
  generation,
});

test("a project counts as changed when a generation is new, and not when another one's row goes", () => {
  const inbox = new Inbox();
  expect(inbox.replace([row("a", 1), row("b", 1)])).toEqual(["a", "b"]);
  expect(inbox.replace([row("b", 1)])).toEqual([]);
  expect(inbox.replace([row("b", 2)])).toEqual(["b"]);
  expect(inbox.replace([row("b", 2), row("b", 1, "test")])).toEqual(["b"]);
  expect([...inbox.awaited("b")]).toEqual(["dev", "test"]);
  expect([...inbox.awaited("a")]).toEqual([]);
});
