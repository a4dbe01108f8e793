import { describe, expect, test } from "vitest";
import { allowedNext, EDGES, STATUSES, type Status } from "../../../../core/lifecycle.ts";
import { layoutLifecycle, MAIN, type LifecycleState } from "./lifecycleLayout.ts";

const state = (status: Status, path: LifecycleState["path"] = []): LifecycleState => ({
  status,
  allowedNext: allowedNext(status),
  path,
});
const names = (edges: readonly { from: Status; to: Status }[]) =>
  edges.map(({ from, to }) => `${from} ${to}`);

describe.each(["wide", "tall"] as const)("%s", (orientation) => {
  test("each status has a place of its own within the picture", () => {
    const { nodes, width, height } = layoutLifecycle(state("created"), orientation);
    expect(nodes.map(({ status }) => status)).toEqual([...STATUSES]);
    for (const [index, one] of nodes.entries()) {
      expect(one.x >= 0 && one.y >= 0 && one.x + one.width < width && one.y + one.height < height).toBe(true);
      for (const other of nodes.slice(index + 1)) {
        const isApart =
          one.x + one.width <= other.x ||
          other.x + other.width <= one.x ||
          one.y + one.height <= other.y ||
          other.y + other.height <= one.y;
        expect(isApart, `${one.status} and ${other.status}`).toBe(true);
      }
    }
  });

  test("every move between working statuses is drawn, whatever the project is in", () => {
    const wanted = names(EDGES.filter(({ from, to }) => MAIN.includes(from) && MAIN.includes(to)));
    for (const status of STATUSES) {
      const drawn = names(layoutLifecycle(state(status), orientation).edges);
      expect(drawn).toEqual(expect.arrayContaining(wanted));
    }
  });

  test("no line is drawn twice, and none leaves the picture to the left or above", () => {
    for (const status of STATUSES) {
      const { edges } = layoutLifecycle(state(status), orientation);
      const paths = edges.map(({ path }) => path);
      expect(new Set(paths).size).toBe(paths.length);
      expect(paths.filter((path) => path.includes("NaN"))).toEqual([]);
    }
  });
});

test("a phone's width is enough for the tall one", () => {
  // 360 px, less what the page and the card leave free around it.
  expect(layoutLifecycle(state("created"), "tall").width).toBeLessThanOrEqual(308);
});

test("the moves that may be made now are marked, and so are those that were made", () => {
  const { edges, nodes } = layoutLifecycle(
    state("testing", [
      { from: "created", to: "planning" },
      { from: "planning", to: "paused" },
    ]),
    "wide",
  );
  const by = (role: string) => names(edges.filter((edge) => edge.role === role)).sort();
  expect(by("next")).toEqual(names(EDGES.filter(({ from }) => from === "testing")).sort());
  expect(by("made")).toEqual(["created planning", "planning paused"]);
  const role = (status: Status) => nodes.find((node) => node.status === status)!.role;
  expect(role("testing")).toBe("here");
  expect(role("deployment")).toBe("next");
  expect(role("planning")).toBe("been");
});

test("a paused project returns only to where it came from", () => {
  const { edges } = layoutLifecycle(
    { status: "paused", allowedNext: allowedNext("paused", "testing"), path: [] },
    "tall",
  );
  const next = edges.filter(({ role }) => role === "next").map(({ to }) => to);
  expect(next).toEqual(["testing", "failed", "deleting"]);
});
