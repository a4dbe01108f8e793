import { expect, test } from "vitest";
import { cameAfter, matching, pieces, textOf, type LogLine } from "./lines.ts";

const line = (text: string, at = 0, stream: LogLine["stream"] = "stdout"): LogLine => ({
  service: "app",
  replica: 1,
  stream,
  at,
  text,
});

test("matches are marked whatever their case, and nothing of the line is lost", () => {
  expect(pieces("GET /shop get", "get")).toEqual([
    { text: "GET", isMatch: true },
    { text: " /shop ", isMatch: false },
    { text: "get", isMatch: true },
  ]);
  expect(pieces("aaa", "a").map(({ text }) => text)).toEqual(["a", "a", "a"]);
  expect(pieces("", "a")).toEqual([{ text: "", isMatch: false }]);
  expect(pieces("İstanbul", "st")).toEqual([{ text: "İstanbul", isMatch: true }]);
});

test("characters that patterns know are only themselves", () => {
  expect(matching([line("a.b"), line("axb"), line("[a.b]")], "a.b")).toEqual([0, 2]);
});

test("a word is found across colours", () => {
  expect(matching([line("\u001b[31mer\u001b[0mror")], "error")).toEqual([0]);
});

test("without words nothing matches", () => {
  expect(matching([line("a")], "")).toEqual([]);
});

test("new lines are counted from the last one that was seen, also where older ones have gone", () => {
  const before = [line("a", 1), line("b", 2)];
  expect(cameAfter(before, [line("b", 2), line("c", 3), line("d", 4)])).toBe(2);
  expect(cameAfter(before, before)).toBe(0);
  expect(cameAfter(before, [line("x", 8), line("y", 9)])).toBe(2);
  expect(cameAfter([], before)).toBe(2);
});

test("the same text at another time is another line", () => {
  expect(cameAfter([line("tick", 1)], [line("tick", 1), line("tick", 2)])).toBe(1);
});

test("a file tells time, service and stream", () => {
  expect(textOf([line("\u001b[31mno\u001b[0m", 0, "stderr")])).toBe(
    "1970-01-01T00:00:00.000Z app.1 err no\n",
  );
});
