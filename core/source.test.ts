import { describe, expect, test } from "vitest";
import { isFolder, isRefusal, parseSource } from "./source.ts";
import { linkStaysInside, workspacePath } from "./workspacePath.ts";

describe("a source", () => {
  test.each([
    ["./app", { kind: "folder", path: "./app" }],
    ["/srv/shop", { kind: "folder", path: "/srv/shop" }],
    ["..", { kind: "folder", path: ".." }],
    ["my app#1", { kind: "folder", path: "my app#1" }],
    [
      "https://git.example/a/b.git",
      { kind: "git", url: "https://git.example/a/b.git", scheme: "https", ref: null },
    ],
    [
      "https://git.example/a/b#v1.2",
      { kind: "git", url: "https://git.example/a/b", scheme: "https", ref: "v1.2" },
    ],
    ["http://127.0.0.1:9/a", { kind: "git", url: "http://127.0.0.1:9/a", scheme: "http", ref: null }],
    [
      "ssh://git@git.example:22/a/b",
      { kind: "git", url: "ssh://git@git.example:22/a/b", scheme: "ssh", ref: null },
    ],
    [
      "git@git.example:a/b.git#feature/x",
      { kind: "git", url: "git@git.example:a/b.git", scheme: "ssh", ref: "feature/x" },
    ],
  ])("%s", (text, expected) => {
    expect(parseSource(text)).toEqual(expected);
    expect(isFolder(text)).toBe(expected.kind === "folder");
  });

  test.each([
    ["", /a folder/],
    [" ./app", /a folder/],
    ["-rf", /begin with -/],
    ["a\0b", /control/],
    ["file:///etc", /https, ssh or http/],
    ["ext::sh -c id", /https, ssh or http/],
    ["git://git.example/a", /https, ssh or http/],
    ["https://git.example/", /path/],
    ["https://git.example/a?x=1", /query/],
    ["https://git.example/a#--upload-pack=id", /branch/],
    ["https://git.example/a#a..b", /branch|^$/],
    ["ssh://-oProxyCommand=id/a", /host|URL/],
    ["git@-oProxyCommand=id:a", /./],
    ["git@git.example:-x", /address/],
  ])("refuses %j", (text, expected) => {
    const found = parseSource(text);
    // What is no git address by its form is a folder's name, and is looked for as one.
    if (!isRefusal(found)) expect(found.kind).toBe("folder");
    else expect(found.refused).toMatch(expected);
  });

  test.each([
    "https://me:s3cret@git.example/a",
    "https://s3cret@git.example/a",
    "ssh://git:s3cret@git.example/a",
  ])("refuses credentials without repeating them: %s", (text) => {
    const found = parseSource(text);
    expect(found).toMatchObject({ refused: expect.stringMatching(/GIT_TOKEN/) as string });
    expect(JSON.stringify(found)).not.toContain("s3cret");
  });
});

describe("a path of a workspace", () => {
  test.each([
    ["src/a.js", "src/a.js"],
    ["./src//a.js", "src/a.js"],
    ["/workspace/src/a.js", "src/a.js"],
    ["/workspace", "."],
    ["", "."],
    ["-rf", "-rf"],
    ["a b\nc", "a b\nc"],
    ["..a/b..", "..a/b.."],
  ])("%j is %j", (text, expected) => expect(workspacePath(text)).toBe(expected));

  test.each(["..", "a/../../b", "a/..", "/etc/passwd", "/workspaces/x", "a\0b", "x".repeat(300)])(
    "refuses %j",
    (text) => expect(() => workspacePath(text)).toThrow(/no path inside/),
  );

  test.each([
    ["a/link", "../b", true],
    ["a/link", "b/../../c", true],
    ["link", "..", false],
    ["a/link", "../../b", false],
    ["link", "/etc/passwd", false],
    ["link", "", false],
  ])("a link at %s to %j stays inside: %s", (path, target, expected) =>
    expect(linkStaysInside(path, target)).toBe(expected),
  );
});
