/**
 * Shapes: how older snapshots say, in `generated_schema.jsonl`, which types a table's values had. In them int64,
 * bytes and non-finite floats are written as strings, and the shape tells which strings are such.
 */
import { TransferError } from "./transferError.ts";

/** What a string in the export may stand for. */
export type StringMeaning = "string" | "int64" | "float64inf" | "nan" | "bytes";

export type Shape =
  | { readonly kind: "leaf"; readonly strings: readonly StringMeaning[] }
  | { readonly kind: "unknown" }
  | { readonly kind: "array"; readonly element: Shape }
  | { readonly kind: "object"; readonly fields: ReadonlyMap<string, Shape> }
  | { readonly kind: "record"; readonly value: Shape }
  | { readonly kind: "union"; readonly members: readonly Shape[] };

const leaf = (...strings: StringMeaning[]): Shape => ({ kind: "leaf", strings });

/** Longer words first where one begins another. */
const WORDS: readonly (readonly [word: string, shape: Shape])[] = [
  ["never", leaf()],
  ["null", leaf()],
  ["int64", leaf("int64")],
  ["float64", leaf("nan", "float64inf")],
  ["-inf", leaf("float64inf")],
  ["inf", leaf("float64inf")],
  ["-0", leaf()],
  ["NaN", leaf("nan")],
  ["normalfloat64", leaf()],
  ["boolean", leaf()],
  ["field_name", leaf("string")],
  ["string", leaf("string")],
  ["bytes", leaf("bytes")],
  ["unknown", { kind: "unknown" }],
];

const MAX_DEPTH = 256;

class ShapeParser {
  #at = 0;

  constructor(readonly text: string) {}

  parse(): Shape {
    const shape = this.#union(0);
    if (this.#at !== this.text.length) this.#fail();
    return shape;
  }

  #fail(): never {
    throw new TransferError(
      "InvalidGeneratedSchema",
      `cannot parse the shape in generated_schema.jsonl: unexpected token at '${this.text.slice(this.#at, this.#at + 40)}'`,
    );
  }

  #take(token: string): boolean {
    if (!this.text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #expect(token: string): void {
    if (!this.#take(token)) this.#fail();
  }

  #upTo(token: string): string {
    const end = this.text.indexOf(token, this.#at);
    if (end === -1) this.#fail();
    const part = this.text.slice(this.#at, end);
    this.#at = end + token.length;
    return part;
  }

  #union(depth: number): Shape {
    if (depth > MAX_DEPTH) this.#fail();
    const members = [this.#one(depth)];
    while (this.#take(" | ")) members.push(this.#one(depth));
    return members.length === 1 ? members[0]! : { kind: "union", members };
  }

  #inside(depth: number, end: string): Shape {
    const shape = this.#union(depth + 1);
    this.#expect(end);
    return shape;
  }

  #one(depth: number): Shape {
    for (const [word, shape] of WORDS) if (this.#take(word)) return shape;
    if (this.#take("{")) return this.#object(depth);
    if (this.#take("id<")) {
      this.#upTo(">");
      return leaf("string");
    }
    if (this.#take("array<")) return { kind: "array", element: this.#inside(depth, ">") };
    if (this.#take("record<")) {
      this.#inside(depth, ", ");
      return { kind: "record", value: this.#inside(depth, ">") };
    }
    if (this.#take('"')) {
      this.#upTo('"');
      return leaf("string");
    }
    return this.#fail();
  }

  #object(depth: number): Shape {
    const fields = new Map<string, Shape>();
    while (!this.#take("}")) {
      const quoted = /^"(.*)"\??$/.exec(this.#upTo(": "));
      if (quoted === null) this.#fail();
      fields.set(quoted[1]!, this.#union(depth + 1));
      if (!this.#take(", ") && this.text[this.#at] !== "}") this.#fail();
    }
    return { kind: "object", fields };
  }
}

/** Parses a shape as Convex prints it: `{"a": int64, "b"?: array<string | null>}`. @throws TransferError */
export const parseShape = (text: string): Shape => new ShapeParser(text).parse();

const each = (shapes: readonly Shape[], read: (shape: Shape) => readonly Shape[]): Shape[] =>
  shapes.flatMap((shape) => (shape.kind === "union" ? each(shape.members, read) : read(shape)));

/** The shapes that an array's elements may have. */
export const elementShapes = (shapes: readonly Shape[]): Shape[] =>
  each(shapes, (shape) =>
    shape.kind === "array" ? [shape.element] : shape.kind === "unknown" ? [shape] : [],
  );

/** The shapes that an object's field may have. */
export const fieldShapes = (shapes: readonly Shape[], name: string): Shape[] =>
  each(shapes, (shape) => {
    if (shape.kind === "unknown") return [shape];
    if (shape.kind === "record") return [shape.value];
    const field = shape.kind === "object" ? shape.fields.get(name) : undefined;
    return field === undefined ? [] : [field];
  });

/** What strings mean here, if the shapes leave only one meaning; null when they do not. */
export function onlyMeaning(shapes: readonly Shape[]): StringMeaning | null {
  const meanings = new Set<StringMeaning>();
  each(shapes, (shape) => {
    if (shape.kind === "unknown") for (const any of ["string", "int64"] as const) meanings.add(any);
    if (shape.kind === "leaf") for (const meaning of shape.strings) meanings.add(meaning);
    return [];
  });
  const [first] = meanings;
  return meanings.size === 1 ? first! : null;
}
