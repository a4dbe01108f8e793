/** Turns lines, array elements and CSV records into checked rows. */
import { jsonToConvex, type JSONValue } from "convex/values";
import { explainMalformed } from "../values/wellFormed.ts";
import type { ImportRow } from "./parsedImport.ts";
import { TransferError } from "./transferError.ts";

const SYSTEM_FIELDS = new Set(["_id", "_creationTime"]);

const isObject = (json: JSONValue): json is Record<string, JSONValue> =>
  typeof json === "object" && json !== null && !Array.isArray(json);

const badValue = (row: number, reason: string, cause?: unknown): TransferError =>
  new TransferError("InvalidConvexValue", `Row ${row} wasn't a valid Convex value: ${reason}`, 400, {
    cause,
  });

/** Checks that a value can be a document. @throws TransferError that names the row */
export function toRow(row: number, json: JSONValue): ImportRow {
  if (!isObject(json)) throw new TransferError("NotAnObject", `Row ${row} wasn't an object`);
  const malformed = explainMalformed(json);
  if (malformed !== null) throw badValue(row, malformed);
  try {
    jsonToConvex(json);
  } catch (error) {
    throw badValue(row, (error as Error).message, error);
  }
  for (const name of Object.keys(json)) {
    if (name.startsWith("_") && !SYSTEM_FIELDS.has(name)) {
      throw badValue(row, `field "${name}" starts with an underscore, which only system fields do`);
    }
  }
  if (json["_id"] !== undefined && typeof json["_id"] !== "string") throw badValue(row, "`_id` is no string");
  if (json["_creationTime"] !== undefined && typeof json["_creationTime"] !== "number") {
    throw badValue(row, "`_creationTime` is no number of milliseconds");
  }
  return { row, fields: json };
}

/** A line's value, by `decode`. @throws TransferError that names the row */
export function parseLine(row: number, line: string, decode: (line: string) => JSONValue): JSONValue {
  try {
    return decode(line);
  } catch (error) {
    if (error instanceof TransferError) throw error;
    if (!(error instanceof SyntaxError)) throw badValue(row, (error as Error).message, error);
    throw new TransferError("JsonInvalidRow", `Row ${row} wasn't valid JSON: ${error.message}`, 400, {
      cause: error,
    });
  }
}

/** The rows of JSON lines; blank lines are passed over. */
export async function* rowsOfLines(
  lines: AsyncIterable<string>,
  decode: (line: string) => JSONValue,
): AsyncGenerator<ImportRow> {
  let row = 0;
  for await (const line of lines) {
    row++;
    if (line.trim() !== "") yield toRow(row, parseLine(row, line, decode));
  }
}
