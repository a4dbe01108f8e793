/** Reads CSV (RFC 4180) with a header line, as `npx convex import` takes it. */
import type { JSONValue } from "convex/values";
import { TransferError } from "./transferError.ts";

const MAX_RECORD_CHARACTERS = 16 << 20;

/** The records of a CSV text: commas between cells, `"` around those that hold commas, quotes or line ends. */
export async function* recordsOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string[]> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let record: string[] = [];
  let cell = "";
  let state: "start" | "plain" | "quoted" | "quoteInQuoted" = "start";
  let afterCarriageReturn = false;
  let size = 0;
  let isEmpty = true;

  function* feed(text: string): Generator<string[]> {
    for (const character of text) {
      if (afterCarriageReturn && character === "\n") {
        afterCarriageReturn = false;
        continue;
      }
      afterCarriageReturn = false;
      if (++size > MAX_RECORD_CHARACTERS) {
        throw new TransferError(
          "CsvInvalidRow",
          "The CSV file has a row that never ends: is a quote missing?",
        );
      }
      if (state === "quoted") {
        if (character === '"') state = "quoteInQuoted";
        else cell += character;
        continue;
      }
      if (character === '"' && state !== "plain") {
        if (state === "quoteInQuoted") cell += '"';
        state = "quoted";
        isEmpty = false;
      } else if (character === ",") {
        record.push(cell);
        cell = "";
        state = "start";
        isEmpty = false;
      } else if (character === "\n" || character === "\r") {
        afterCarriageReturn = character === "\r";
        // Empty lines stand for nothing.
        if (!isEmpty) yield [...record, cell];
        record = [];
        cell = "";
        state = "start";
        size = 0;
        isEmpty = true;
      } else {
        cell += character;
        state = "plain";
        isEmpty = false;
      }
    }
  }

  try {
    for await (const chunk of bytes) yield* feed(decoder.decode(chunk, { stream: true }));
    yield* feed(decoder.decode());
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new TransferError("NotUtf8", "Import wasn't valid UTF8", 400, { cause: error });
  }
  if (!isEmpty) yield [...record, cell];
}

const FLOAT = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const NOT_FINITE = /^[+-]?(?:inf|infinity|nan)$/i;

/** A cell's value: a number where the text is one, and text otherwise. As on Convex, `NaN` and `inf` become null. */
export function parseCell(text: string): JSONValue {
  if (FLOAT.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : null;
  }
  return NOT_FINITE.test(text) ? null : text;
}

const FIELD_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** The rows of a CSV file as objects, by the names in its first line. @throws TransferError */
export async function* objectsOf(
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Record<string, JSONValue>> {
  let names: string[] | null = null;
  let row = 0;
  for await (const record of recordsOf(bytes)) {
    if (names === null) {
      names = record.map((name) => name.replace(/^ +| +$/g, ""));
      const invalid = names.find((name) => !FIELD_NAME.test(name));
      if (invalid !== undefined) {
        throw new TransferError(
          "CsvInvalidHeader",
          `CSV header ${JSON.stringify(invalid)} isn't a valid field name: use letters, digits and underscores.`,
        );
      }
      continue;
    }
    row++;
    if (record.length !== names.length) {
      throw new TransferError(
        "CsvRowMissingFields",
        `CSV row ${row} doesn't have all of the fields in the header`,
      );
    }
    yield Object.fromEntries(names.map((name, i) => [name, parseCell(record[i]!)]));
  }
  if (names === null) throw new TransferError("CsvMissingHeaders", "CSV file doesn't have headers");
}
