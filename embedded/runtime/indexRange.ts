/** Turns `.withIndex(name, q => …)` into a range of keys, with Convex's rules on the order of the operators. */
import type { JSONValue } from "convex/values";
import * as z from "zod";
import type { IndexInfo } from "../storage/catalog.ts";
import type { Interval } from "../live/readSet.ts";
import { afterPrefix, encodeValue } from "../values/keys.ts";
import { queryValue } from "./filter.ts";

export const vRangeExpression = z.object({
  type: z.enum(["Eq", "Gt", "Gte", "Lt", "Lte"]),
  fieldPath: z.string(),
  value: z.custom<JSONValue>((value) => value !== undefined),
});
export type RangeExpression = z.infer<typeof vRangeExpression>;

const fail = (index: IndexInfo, problem: string): never => {
  throw new Error(`Incorrect use of index ${index.table.name}.${index.name} in \`withIndex\`: ${problem}`);
};

/** The keys that satisfy a list of range expressions. @throws Error when their fields or order do not fit the index. */
export function toInterval(index: IndexInfo, range: readonly RangeExpression[]): Interval {
  let prefix = "";
  let at = 0;
  while (at < range.length && range[at]!.type === "Eq") {
    const { fieldPath, value } = range[at]!;
    if (fieldPath !== index.keyFields[at]) {
      fail(index, `expected field "${index.keyFields[at] ?? "(none left)"}", got "${fieldPath}"`);
    }
    prefix += encodeValue(queryValue(value));
    at++;
  }
  let lower = prefix;
  let upper = afterPrefix(prefix);
  let hasLower = false;
  let hasUpper = false;
  for (const { type, fieldPath, value } of range.slice(at)) {
    if (fieldPath !== index.keyFields[at]) {
      fail(index, `expected field "${index.keyFields[at] ?? "(none left)"}", got "${fieldPath}"`);
    }
    const key = prefix + encodeValue(queryValue(value));
    if (type === "Eq") fail(index, "`.eq` cannot follow `.gt`, `.gte`, `.lt` or `.lte`");
    if (type === "Gt" || type === "Gte") {
      if (hasLower) fail(index, "only one lower bound is allowed");
      hasLower = true;
      lower = type === "Gt" ? afterPrefix(key) : key;
    } else {
      if (hasUpper) fail(index, "only one upper bound is allowed");
      hasUpper = true;
      upper = type === "Lt" ? key : afterPrefix(key);
    }
  }
  return { lower, upper };
}
