/** Reads the documents of older snapshots: strings become what the table's shape, or a document's own hints, say. */
import { convexToJson, type JSONValue } from "convex/values";
import * as z from "zod";
import { elementShapes, fieldShapes, onlyMeaning, parseShape, type Shape } from "./shape.ts";
import { TransferError } from "./transferError.ts";

/** Hints of one document, where the shape alone is ambiguous. */
export type Hint = JSONValue;

export interface InferredSchema {
  readonly shape: Shape;
  /** By document id. */
  readonly hints: ReadonlyMap<string, Hint>;
}

const vHintLine = z.record(
  z.string(),
  z.custom<JSONValue>((value) => value !== undefined),
);

/** Reads the lines of `generated_schema.jsonl` after the first, which is `shapeText`. @throws TransferError */
export function parseInferredSchema(shapeText: string, lines: readonly string[]): InferredSchema {
  const hints = new Map<string, Hint>();
  for (const [i, line] of lines.entries()) {
    let parsed: Record<string, JSONValue>;
    try {
      parsed = vHintLine.parse(JSON.parse(line));
    } catch (error) {
      const text = `generated_schema.jsonl: line ${i + 2} is no object of hints`;
      throw new TransferError("InvalidGeneratedSchema", text, 400, { cause: error });
    }
    for (const [id, hint] of Object.entries(parsed)) hints.set(id, hint);
  }
  return { shape: parseShape(shapeText), hints };
}

const isObject = (json: JSONValue | undefined): json is Record<string, JSONValue> =>
  typeof json === "object" && json !== null && !Array.isArray(json);

function decodeString(text: string, hint: Hint | undefined, shapes: readonly Shape[]): JSONValue {
  const nan = isObject(hint) ? hint["$float64NaN"] : undefined;
  if (typeof nan === "string") return { $float: nan };
  const meaning = typeof hint === "string" && hint !== "infer" ? hint : (onlyMeaning(shapes) ?? "string");
  switch (meaning) {
    case "int64":
      return convexToJson(BigInt.asIntN(64, BigInt(text)));
    case "bytes":
      return { $bytes: text };
    case "float64inf":
    case "nan": {
      const value = { Infinity, "-Infinity": -Infinity, NaN }[text];
      if (value === undefined) throw new Error(`unexpected string for a float64: ${text.slice(0, 40)}`);
      return convexToJson(value);
    }
    default:
      return text;
  }
}

function decode(json: JSONValue, hint: Hint | undefined, shapes: readonly Shape[]): JSONValue {
  if (typeof json === "string") return decodeString(json, hint, shapes);
  if (Array.isArray(json)) {
    const inner = elementShapes(shapes);
    const hints = Array.isArray(hint) ? hint : [];
    return json.map((element, i) => decode(element, hints[i], inner));
  }
  if (!isObject(json)) return json;
  const hints = isObject(hint) ? hint : {};
  return Object.fromEntries(
    Object.entries(json).map(([name, field]) => [
      name,
      decode(field, Object.hasOwn(hints, name) ? hints[name] : undefined, fieldShapes(shapes, name)),
    ]),
  );
}

/** One document of an older snapshot in Convex's JSON encoding. @throws Error when it does not fit its schema. */
export function decodeInferred(schema: InferredSchema, json: JSONValue): JSONValue {
  const id = isObject(json) ? json["_id"] : undefined;
  return decode(json, typeof id === "string" ? schema.hints.get(id) : undefined, [schema.shape]);
}
