/** Reads a snapshot ZIP: `<table>/documents.jsonl`, `<table>/generated_schema.jsonl`, `_tables/…` and `_storage/…`. */
import type { JSONValue } from "convex/values";
import * as z from "zod";
import { isUuid } from "../files/fileRows.ts";
import { tableNumberOf } from "../values/ids.ts";
import { parseUniform, UNIFORM } from "./exportFormat.ts";
import { decodeInferred, parseInferredSchema } from "./inferredFormat.ts";
import { linesOf } from "./lines.ts";
import type {
  ImportFile,
  ImportFileMetadata,
  ImportStorage,
  ImportTable,
  ParsedImport,
} from "./parsedImport.ts";
import { parseLine, rowsOfLines } from "./rows.ts";
import { TransferError } from "./transferError.ts";
import { openZip, type ZipEntry } from "./zipReader.ts";

/** Folders before these are passed over: people pack snapshots anew, with a folder around them. */
const DOCUMENTS = /^(?:.*\/)?([^/]+)\/documents\.jsonl$/;
const GENERATED_SCHEMA = /^(?:.*\/)?([^/]+)\/generated_schema\.jsonl$/;
const STORED_FILE = /^(?:.*\/)?_storage\/([^/.]+)(?:\.[^/]+)?$/;
const COMPONENT = /(?:^|\/)_components\//;

export const TABLE_NAME = /^[a-zA-Z][a-zA-Z0-9_]{0,63}$/;

const vTableLine = z.object({ name: z.string(), id: z.number().int().positive() });

const vFileLine = z.object({
  _id: z.string(),
  _creationTime: z.number().nullish(),
  sha256: z.string().nullish(),
  size: z.number().nullish(),
  contentType: z.string().nullish(),
  internalId: z.string().nullish(),
});

const parsePlain = (line: string): JSONValue => JSON.parse(line) as JSONValue;

/** How the documents of a table are written. */
async function decoderOf(schema: ZipEntry | undefined): Promise<(line: string) => JSONValue> {
  if (schema === undefined) return parsePlain;
  const lines: string[] = [];
  for await (const line of linesOf(await schema.open())) if (line.trim() !== "") lines.push(line);
  const [first, ...hints] = lines;
  const text = first === undefined ? null : parseLine(1, first, parsePlain);
  if (typeof text !== "string") {
    throw new TransferError("InvalidGeneratedSchema", `${schema.name}: the first line must be a string`);
  }
  if (text === UNIFORM) return parseUniform;
  const inferred = parseInferredSchema(text, hints);
  return (line) => decodeInferred(inferred, parsePlain(line));
}

function group(entries: readonly ZipEntry[], pattern: RegExp): Map<string, ZipEntry> {
  const byTable = new Map<string, ZipEntry>();
  for (const entry of entries) {
    const name = pattern.exec(entry.name)?.[1];
    if (name === undefined) continue;
    if (byTable.has(name)) {
      throw new TransferError("InvalidZip", `invalid zip file: it has "${name}" twice: ${entry.name}`);
    }
    byTable.set(name, entry);
  }
  return byTable;
}

async function readTableNumbers(entry: ZipEntry | undefined): Promise<Map<string, number>> {
  const numbers = new Map<string, number>();
  if (entry === undefined) return numbers;
  let row = 0;
  for await (const line of linesOf(await entry.open())) {
    row++;
    if (line.trim() === "") continue;
    const parsed = vTableLine.safeParse(parseLine(row, line, parsePlain));
    if (!parsed.success) {
      throw new TransferError(
        "InvalidConvexValue",
        `${entry.name}: row ${row} must have a table's \`name\` and its number as \`id\``,
      );
    }
    numbers.set(parsed.data.name, parsed.data.id);
  }
  return numbers;
}

async function readFileMetadata(entry: ZipEntry | undefined): Promise<Map<string, ImportFileMetadata>> {
  const found = new Map<string, ImportFileMetadata>();
  if (entry === undefined) return found;
  let row = 0;
  for await (const line of linesOf(await entry.open())) {
    row++;
    if (line.trim() === "") continue;
    const parsed = vFileLine.safeParse(parseLine(row, line, parsePlain));
    if (!parsed.success) {
      throw new TransferError(
        "InvalidConvexValue",
        `${entry.name}: row ${row} wasn't a valid Convex value: ${z.prettifyError(parsed.error)}`,
      );
    }
    const { _id: id, _creationTime, sha256, contentType, internalId } = parsed.data;
    found.set(id, {
      id,
      creationTime: _creationTime ?? null,
      sha256: sha256 ?? null,
      contentType: contentType ?? null,
      uuid: internalId !== null && internalId !== undefined && isUuid(internalId) ? internalId : null,
    });
  }
  return found;
}

function storageOf(
  entries: readonly ZipEntry[],
  documents: ReadonlyMap<string, ZipEntry>,
): ImportStorage | null {
  const files: ImportFile[] = [];
  for (const entry of entries) {
    const id = STORED_FILE.exec(entry.name)?.[1];
    if (id === undefined || id === "documents" || id === "generated_schema") continue;
    if (tableNumberOf(id) === null) {
      throw new TransferError("InvalidStorageId", `_storage id '${id.slice(0, 64)}' invalid: ${entry.name}`);
    }
    files.push({ id, open: () => entry.open() });
  }
  const listed = documents.get("_storage");
  if (listed === undefined && files.length === 0) return null;
  return { files, metadata: () => readFileMetadata(listed) };
}

/** Opens a snapshot for import; nothing of the documents is read yet. @throws TransferError */
export async function parseSnapshot(path: string): Promise<ParsedImport> {
  const zip = await openZip(path);
  try {
    const component = zip.entries.find(({ name }) => COMPONENT.test(name));
    if (component !== undefined) {
      throw new TransferError(
        "ComponentsNotSupported",
        `The snapshot holds a component (${component.name}): components are not supported by this backend.`,
      );
    }
    const documents = group(zip.entries, DOCUMENTS);
    const schemas = group(zip.entries, GENERATED_SCHEMA);
    const tableNumbers = await readTableNumbers(documents.get("_tables"));
    const tables: ImportTable[] = [];
    for (const name of new Set([...documents.keys(), ...tableNumbers.keys()])) {
      // Other system tables belong to the deployment that was exported.
      if (name.startsWith("_")) continue;
      if (!TABLE_NAME.test(name)) {
        throw new TransferError("InvalidTableName", `table name '${name.slice(0, 80)}' invalid`);
      }
      const entry = documents.get(name);
      const decode = await decoderOf(schemas.get(name));
      tables.push({
        name,
        rows: async function* () {
          if (entry !== undefined) yield* rowsOfLines(linesOf(await entry.open()), decode);
        },
      });
    }
    return { tables, tableNumbers, storage: storageOf(zip.entries, documents), close: () => zip.close() };
  } catch (error) {
    zip.close();
    throw error;
  }
}
