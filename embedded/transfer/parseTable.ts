/** Reads an import of one table: JSON lines, a JSON array, or CSV. */
import { createReadStream } from "node:fs";
import type { JSONValue } from "convex/values";
import { LIMITS } from "../values/limits.ts";
import { objectsOf } from "./csv.ts";
import { linesOf, textOf } from "./lines.ts";
import type { ImportFormat, ImportRow, ParsedImport } from "./parsedImport.ts";
import { rowsOfLines, toRow } from "./rows.ts";
import { TransferError } from "./transferError.ts";

const MIB = 1 << 20;

async function* arrayRows(path: string): AsyncGenerator<ImportRow> {
  const text = await textOf(createReadStream(path), LIMITS.bytesWritten, (size) => {
    const limit = `${LIMITS.bytesWritten / MIB} MiB`;
    return new TransferError(
      "JsonArrayTooLarge",
      `Import is too large for JSON (${size} bytes > maximum ${limit}). Consider converting data to JSONLines`,
    );
  });
  let json: JSONValue;
  try {
    json = JSON.parse(text) as JSONValue;
  } catch (error) {
    throw new TransferError("NotJson", `Not valid JSON: ${(error as Error).message}`, 400, { cause: error });
  }
  if (!Array.isArray(json)) throw new TransferError("NotJsonArray", "Not a JSON array");
  for (const [i, element] of json.entries()) yield toRow(i + 1, element);
}

/** `optional` names the fields that an empty cell leaves out, because the schema lets them be absent. */
async function* csvRows(path: string, optional: ReadonlySet<string>): AsyncGenerator<ImportRow> {
  let row = 0;
  for await (const object of objectsOf(createReadStream(path))) {
    row++;
    const kept = Object.entries(object).filter(([name, value]) => value !== "" || !optional.has(name));
    yield toRow(row, Object.fromEntries(kept));
  }
}

const jsonLineRows = (path: string): AsyncIterable<ImportRow> =>
  rowsOfLines(linesOf(createReadStream(path)), (line) => JSON.parse(line) as JSONValue);

/** Opens the file at `path` as rows of one table. */
export function parseTable(
  path: string,
  { format, table }: Exclude<ImportFormat, { format: "zip" }>,
  optionalFields: ReadonlySet<string>,
): ParsedImport {
  const readers = {
    csv: () => csvRows(path, optionalFields),
    jsonLines: () => jsonLineRows(path),
    jsonArray: () => arrayRows(path),
  };
  return {
    tables: [{ name: table, rows: readers[format] }],
    tableNumbers: new Map(),
    storage: null,
    close: () => {},
  };
}
