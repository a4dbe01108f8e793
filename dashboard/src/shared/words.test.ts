import { expect, test } from "vitest";
import { holdsAny, piecesOf, wordsOf } from "./words.ts";

test("a search is cut into words, each once", () => {
  expect(wordsOf("GET /users?id=1 get")).toEqual(["get", "users", "id", "1"]);
  expect(wordsOf("  ")).toEqual([]);
});

test("what is looked for is marked in any case, and nothing is lost", () => {
  const pieces = piecesOf("const Port = env.PORT;", ["port"]);
  expect(pieces.filter(({ isHit }) => isHit).map(({ text }) => text)).toEqual(["Port", "PORT"]);
  expect(pieces.map(({ text }) => text).join("")).toBe("const Port = env.PORT;");
});

test("of two needles at one place the longer one is marked", () => {
  expect(piecesOf("portable", ["port", "portable"])).toEqual([{ text: "portable", isHit: true }]);
});

test("signs of regular expressions are only signs", () => {
  expect(piecesOf("a.b (c) a-b [x]/", [".", "(c)", "-", "]/"]).filter(({ isHit }) => isHit)).toHaveLength(4);
});

test("without needles everything is one piece", () => {
  expect(piecesOf("x", [])).toEqual([{ text: "x", isHit: false }]);
  expect(piecesOf("", ["x"])).toEqual([]);
});

test("a text holds any of the needles or none", () => {
  expect(holdsAny("Listening on PORT", ["port"])).toBe(true);
  expect(holdsAny("Listening", ["port", ""])).toBe(false);
});

test("a word of code is found at its beginning, and not inside another", () => {
  const marked = piecesOf("import port from ports; PORT, export_port", ["port"], "wordStart");
  expect(marked.filter(({ isHit }) => isHit).map(({ text }) => text)).toEqual(["port", "port", "PORT"]);
  expect(holdsAny("import", ["port"], "wordStart")).toBe(false);
  expect(holdsAny("a.port", ["port"], "wordStart")).toBe(true);
});
