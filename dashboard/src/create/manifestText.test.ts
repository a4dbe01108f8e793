import { expect, test } from "vitest";
import { readManifest } from "./manifestText.ts";

const underlined = (text: string) => readManifest(text).findings.map(({ from, to }) => text.slice(from, to));

test("a good manifest has no findings", () => {
  expect(readManifest("name: shop\nstack: node\n")).toEqual({
    input: { name: "shop", stack: "node" },
    findings: [],
  });
});

test("an unknown key is underlined where it stands", () => {
  const text = "name: shop\nstack: node\nenvironments:\n  dev:\n    cpu: 2\n";
  expect(underlined(text)).toEqual(["cpu: 2"]);
  expect(readManifest(text).findings[0]!.message).toBe("environments.dev.cpu: an unknown key");
});

test("a wrong value is underlined in its own environment, not in the one before", () => {
  const text = "name: shop\nstack: node\nenvironments:\n  dev:\n    memory: 1g\n  test:\n    memory: lots\n";
  expect(underlined(text)).toEqual(["memory: lots"]);
});

test("what is missing is told of the whole manifest", () => {
  const { findings } = readManifest("name: shop\n");
  expect(findings.map(({ path }) => path)).toEqual(["stack"]);
});

test("what is no YAML is told at its line", () => {
  expect(underlined("name: shop\nstack: [node\n").length).toBe(1);
});
