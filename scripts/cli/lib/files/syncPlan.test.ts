import { describe, expect, test } from "vitest";
import type { FolderEntry } from "../../../../worker/sources/listFolder.ts";
import type { RemoteEntry } from "../doorClient.ts";
import { planSync, sameSize, type SyncInput } from "./syncPlan.ts";

const file = (path: string, bytes = 1, executable = false): FolderEntry => ({
  ...{ path, kind: "file", bytes, executable, modifiedMs: 0 },
});
const folder = (path: string): FolderEntry => ({ path, kind: "folder" });
const there = (
  path: string,
  kind: RemoteEntry["kind"] = "file",
  more: Partial<RemoteEntry> = {},
): RemoteEntry => ({
  ...{ path, kind, bytes: 1, mode: 0o644, modifiedMs: 0 },
  ...more,
});
const plan = (input: Partial<SyncInput>) =>
  planSync({
    ...{ local: [], remote: [], removeOthers: false, ignores: () => false },
    ...{ localHash: new Map(), remoteHash: new Map() },
    ...input,
  });
const paths = ({ upload }: { upload: FolderEntry[] }) => upload.map(({ path }) => path);

describe("a sync", () => {
  test("sends what is new or different by content, mode or target, and nothing else", () => {
    const local: FolderEntry[] = [
      ...[file("same"), file("content"), file("size", 2), file("mode", 1, true), file("new"), folder("f")],
      ...[folder("new-f"), { path: "l", kind: "link", target: "a" } as const],
      { path: "l2", kind: "link", target: "b" },
    ];
    const remote = [
      ...[there("same"), there("content"), there("size"), there("mode"), there("f", "folder")],
      ...[there("l", "link", { target: "a" }), there("l2", "link", { target: "a" }), there("only-there")],
    ];
    expect(sameSize(local, remote)).toEqual(["same", "content", "mode"]);
    const localHash = new Map(["same", "content", "mode"].map((path) => [path, "x"]));
    const remoteHash = new Map([...localHash, ["content", "y"]]);
    const done = plan({ local, remote, localHash, remoteHash });
    expect(paths(done)).toEqual(["content", "size", "mode", "new", "new-f", "l2"]);
    expect(done).toMatchObject({ remove: [], conflicts: [], unchanged: 3 });
  });

  test("removes what is only there where it is asked to, a folder as one, and never what is ignored", () => {
    const remote = [
      ...[there("gone"), there("dir", "folder"), there("dir/a"), there("node_modules", "folder")],
      ...[there("node_modules/x"), there("mixed", "folder"), there("mixed/a.log"), there("mixed/b")],
    ];
    const ignores = (path: string) => path === "node_modules" || path.endsWith(".log");
    expect(plan({ remote, ignores }).remove).toEqual([]);
    expect(plan({ remote, ignores, removeOthers: true }).remove).toEqual(["dir", "gone", "mixed/b"]);
  });

  test("does not put a file in a folder's place unless it may remove that", () => {
    const input = {
      local: [file("x"), folder("y")],
      remote: [there("x", "folder"), there("x/a"), there("y")],
    };
    expect(plan(input)).toMatchObject({ conflicts: ["x", "y"], upload: [], remove: [] });
    expect(plan({ ...input, removeOthers: true })).toMatchObject({ conflicts: [], remove: ["x", "y"] });
  });
});
