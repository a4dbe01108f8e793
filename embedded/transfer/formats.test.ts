import { convexToJson, jsonToConvex, type JSONValue, type Value } from "convex/values";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { objectsOf, parseCell, recordsOf } from "./csv.ts";
import { parseUniform, printValue } from "./exportFormat.ts";
import { decodeInferred, parseInferredSchema } from "./inferredFormat.ts";
import { linesOf } from "./lines.ts";
import { describePlan, planImport } from "./plan.ts";
import { parseShape } from "./shape.ts";

const fieldName = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_]{0,8}$/);
const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 1e21, 5e-324, 2 ** 53),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.string({ unit: "grapheme" }),
    fc.constantFrom('"', "\\", '\\"1', "1", "$integer", "12345678901234567890", "\u0000\n"),
    fc.uint8Array().map((bytes) => new Uint8Array(bytes).buffer as ArrayBuffer),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fieldName, tie("value"), { maxKeys: 4 }),
  ),
})).value;

const bytesOf = async function* (text: string, chunk = 3): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
};

const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const out: T[] = [];
  for await (const item of items) out.push(item);
  return out;
};

describe("the uniform format", () => {
  test("every value survives, its type too", () => {
    fc.assert(
      fc.property(value, (before) => {
        const after = jsonToConvex(parseUniform(printValue(before)));
        expect(convexToJson(after)).toEqual(convexToJson(before));
      }),
      { numRuns: 2_000 },
    );
  });

  test.each<[Value, string]>([
    [42n, "42"],
    [2n ** 63n - 1n, "9223372036854775807"],
    [0, "0.0"],
    [-0, "-0.0"],
    [1.5, "1.5"],
    [1e21, "1e+21"],
    [Infinity, '{"$float":"AAAAAAAA8H8="}'],
    ["42", '"42"'],
    [{ b: 1n, a: [1] } as Value, '{"b":1,"a":[1.0]}'],
  ])("%s", (given, text) => {
    expect(printValue(given)).toBe(text);
  });

  test("text that looks like a number inside a string is left alone", () => {
    expect(parseUniform('{"a \\" 5":"7, 8","b":[-3,4.0]}')).toEqual({
      'a " 5': "7, 8",
      b: [{ $integer: "/f////////8=" }, 4],
    });
  });
});

describe("older snapshots", () => {
  const decode = (shape: string, hints: string[], document: JSONValue): Value =>
    jsonToConvex(decodeInferred(parseInferredSchema(shape, hints), document));

  test("the shape tells what strings are", () => {
    const shape =
      '{"_creationTime": normalfloat64, "_id": "abc", "n": int64, "b"?: bytes, "list": array<int64 | null>, ' +
      '"by": record<id<10001>, int64>, "u": {"x": string} | {"y": int64}, "f": inf | normalfloat64, "s": string}';
    expect(
      decode(shape, [], {
        _id: "abc",
        n: "5",
        b: "AAE=",
        list: ["1", null],
        by: { k: "-9223372036854775808" },
        u: { y: "7" },
        f: "Infinity",
        s: "5",
      }),
    ).toEqual({
      _id: "abc",
      n: 5n,
      b: new Uint8Array([0, 1]).buffer,
      list: [1n, null],
      by: { k: -(2n ** 63n) },
      u: { y: 7n },
      f: Infinity,
      s: "5",
    });
  });

  test("a document's own hints decide where the shape is ambiguous; without one a string is a string", () => {
    const shape = '{"_id": string, "v": int64 | string, "w": unknown, "f": float64}';
    const hints = [
      '{"one": {"v": "int64", "w": ["bytes", "infer", {"x": "float64inf"}], "f": {"$float64NaN": "AAAAAAAA+H8="}}}',
    ];
    expect(
      decode(shape, hints, { _id: "one", v: "1", w: ["AAE=", "AAE=", { x: "-Infinity" }], f: "NaN" }),
    ).toEqual({
      _id: "one",
      v: 1n,
      w: [new Uint8Array([0, 1]).buffer, "AAE=", { x: -Infinity }],
      f: NaN,
    });
    expect(decode(shape, hints, { _id: "two", v: "1", w: "1", f: 2 })).toEqual({
      _id: "two",
      v: "1",
      w: "1",
      f: 2,
    });
  });

  test.each([
    "",
    "{",
    '{"a" int64}',
    "array<int64",
    "nonsense",
    "int64 |",
    "int64 extra",
    '{"a": int64',
    `${"array<".repeat(300)}int64`,
  ])("a shape that is none: %s", (shape) => {
    expect(() => parseShape(shape)).toThrow("cannot parse the shape");
  });
});

describe("lines", () => {
  test.each<[string, string[]]>([
    ["", []],
    ["a", ["a"]],
    ["a\n", ["a"]],
    ["a\n\nb", ["a", "", "b"]],
    ["größe\n日本\n", ["größe", "日本"]],
  ])("%j", async (text, lines) => {
    for (const chunk of [1, 2, 5, 100]) expect(await all(linesOf(bytesOf(text, chunk)))).toEqual(lines);
  });

  test("bytes that are no UTF-8, and a line without end", async () => {
    const bad = (async function* () {
      yield Buffer.from([0x61, 0xff, 0x0a]);
    })();
    await expect(all(linesOf(bad))).rejects.toThrow("wasn't valid UTF8");
    const endless = (async function* () {
      for (;;) yield Buffer.alloc(1 << 20, 0x61);
    })();
    await expect(all(linesOf(endless))).rejects.toThrow("has a line of more than");
  });
});

describe("CSV", () => {
  test.each<[string, string[][]]>([
    [
      "a,b\n1,2\n",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    [
      "a,b\r\n1,2",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    [
      '"a ""x""",","\n"two\nlines",\n',
      [
        ['a "x"', ","],
        ["two\nlines", ""],
      ],
    ],
    ["\n\na\n\n\n", [["a"]]],
    ["a,,\n", [["a", "", ""]]],
    ['""\n', [[""]]],
    ["ü,日\n", [["ü", "日"]]],
  ])("%j", async (text, records) => {
    for (const chunk of [1, 4, 100]) expect(await all(recordsOf(bytesOf(text, chunk)))).toEqual(records);
  });

  test.each<[string, JSONValue]>([
    ["1", 1],
    ["-1.5e3", -1500],
    [".5", 0.5],
    ["5.", 5],
    ["+7", 7],
    ["NaN", null],
    ["-inf", null],
    ["", ""],
    [" 1", " 1"],
    ["1,000", "1,000"],
    ["0x10", "0x10"],
    ["true", "true"],
  ])("cell %j", (text, expected) => {
    expect(parseCell(text)).toEqual(expected);
  });

  test("objects by the header, and what is wrong with a file", async () => {
    expect(await all(objectsOf(bytesOf(" name ,age\nAnn,31\n")))).toEqual([{ name: "Ann", age: 31 }]);
    await expect(all(objectsOf(bytesOf("")))).rejects.toThrow("CSV file doesn't have headers");
    await expect(all(objectsOf(bytesOf("a b\n1\n")))).rejects.toThrow(
      'CSV header "a b" isn\'t a valid field name',
    );
    await expect(all(objectsOf(bytesOf("a,b\n1,2\n3\n")))).rejects.toThrow(
      "CSV row 2 doesn't have all of the fields in the header",
    );
  });
});

describe("the plan", () => {
  const existing = new Map([
    ["messages", 21],
    ["users", 100_000],
    ["_storage", 11],
  ]);

  test("reads as Convex's", () => {
    const plan = planImport({
      mode: "replace",
      tables: [
        { name: "messages", rows: 20 },
        { name: "big", rows: 100_000 },
      ],
      files: 10,
      existing,
    });
    expect(plan.destructive).toBe(true);
    expect(describePlan(plan)).toBe(
      [
        "Import change summary:",
        "table    | create  | delete         |",
        "-------------------------------------",
        "_storage | 10      | 11 of 11 files |",
        "big      | 100,000 | 0 of 0         |",
        "messages | 20      | 21 of 21       |",
        "Once the import has started, it will run in the background.",
        "Interrupting `npx convex import` will not cancel it.",
      ].join("\n"),
    );
  });

  test("append deletes nothing, replace-all empties the rest, and otherwise tables must be empty", () => {
    const tables = [{ name: "messages", rows: 1 }];
    const append = planImport({ mode: "append", tables, files: null, existing });
    expect([append.destructive, append.emptied]).toEqual([false, []]);
    const all = planImport({ mode: "replaceAll", tables, files: null, existing });
    expect([all.destructive, all.emptied]).toEqual([true, ["users"]]);
    expect(() => planImport({ mode: "requireEmpty", tables, files: null, existing })).toThrow(
      "Table messages already exists. Please choose a new table name or use replace/append modes.",
    );
    expect(
      planImport({ mode: "requireEmpty", tables: [{ name: "new", rows: 1 }], files: null, existing })
        .destructive,
    ).toBe(false);
  });
});
