/** Values in and out of functions. */
import { api } from "../app/convex/_generated/api.js";
import type { Area, Case } from "../case.ts";
import { attempt } from "../errorClass.ts";

const bytes = (...values: number[]): ArrayBuffer => new Uint8Array(values).buffer;

const SAMPLES: [string, unknown][] = [
  ["null", null],
  ["booleans", [true, false]],
  ["integers of 64 bits", [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)]],
  ["numbers", [0, 1.5, -1e300, 5e-324, Number.MAX_SAFE_INTEGER]],
  ["numbers that JSON lacks", [NaN, Infinity, -Infinity, -0]],
  ["strings", ["", "a", "ä€𝄞", "\u0000", 'quote " and \\', "\u2028"]],
  ["bytes", [bytes(), bytes(0, 255), bytes(1, 2, 3)]],
  ["arrays", [[], [[]], [1, "a", null]]],
  ["objects", [{}, { a: { b: { c: 1 } } }, { "with space": 1 }]],
  ["keys that look like numbers or prototypes", { 1: "a", constructor: 1, toString: 2, hasOwnProperty: 3 }],
  ["a mixture", { list: [{ n: 1n, b: bytes(9) }, null], deep: { NaN: NaN } }],
];

const UNSUPPORTED = ["date", "map", "set", "function", "symbol", "class", "nested", "hugeInt", "arrayHole"];

const cases: Case[] = [
  ...SAMPLES.map(([name, value]): Case => ({
    name: `carries ${name} there and back`,
    run: async (t) => [
      await t.query(api.values.echo, { value }),
      await t.query(api.values.echoArgs, { value }),
    ],
  })),
  {
    name: "gives functions values of the right type",
    run: (t) =>
      Promise.all(
        [null, 1, 1n, "s", true, bytes(1, 2), [1], { a: 1 }].map((value) =>
          t.query(api.values.describe, { value }),
        ),
      ),
    expected: ["null", "number", "bigint", "string", "boolean", "bytes of 2", "array", "object"],
  },
  {
    name: "turns an undefined result into null",
    run: (t) => t.query(api.values.returnUndefined, {}),
    expected: null,
  },
  {
    name: "leaves undefined fields out",
    run: async (t) => Object.keys(await t.query(api.values.returnUndefinedField, {})),
    expected: ["a"],
  },
  ...UNSUPPORTED.map((what): Case => ({
    name: `refuses to return what Convex cannot carry: ${what}`,
    run: (t) => attempt(() => t.query(api.values.returnUnsupported, { what })),
    expected: { error: "value" },
  })),
  {
    name: "refuses field names that begin with a dollar",
    run: (t) => attempt(() => t.mutation(api.rows.insert, { table: "loose", document: { $a: 1 } })),
    expected: { error: "value" },
  },
];

export const values: Area = { area: "values", cases };
