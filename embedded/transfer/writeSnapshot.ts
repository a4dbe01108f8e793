/** Writes a snapshot ZIP that `npx convex import` reads, here and on Convex. */
import { open, rename, rm } from "node:fs/promises";
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setImmediate } from "node:timers/promises";
import { ZipFile } from "yazl";
import type { FileStore } from "../files/fileStore.ts";
import { parseDocument } from "../storage/documents.ts";
import { printValue, UNIFORM } from "./exportFormat.ts";
import { extensionFor } from "./fileExtension.ts";
import type { Snapshot, SnapshotTable } from "./snapshotReader.ts";

const README = `# Welcome to your Convex snapshot export!

This ZIP file contains a snapshot of the tables in your Convex deployment.

Documents for each table are listed as lines of JSON in
<table_name>/documents.jsonl files.

For details on the format and how to use this snapshot with npx convex import,
see https://docs.convex.dev/database/import-export/export.
`;

const STORAGE = "_storage";

async function* documentLines(snapshot: Snapshot, table: SnapshotTable): AsyncGenerator<string> {
  for (const batch of snapshot.batches(table)) {
    yield batch.map((json) => `${printValue(parseDocument(json))}\n`).join("");
    await setImmediate();
  }
}

interface StoredFile {
  readonly id: string;
  readonly blob: string;
  readonly size: number;
  readonly contentType: string | null;
  readonly line: string;
}

function storedFiles(snapshot: Snapshot, table: SnapshotTable): StoredFile[] {
  const links = snapshot.links();
  const files: StoredFile[] = [];
  for (const batch of snapshot.batches(table)) {
    for (const json of batch) {
      const { _id, _creationTime, sha256, size, contentType } = parseDocument(json);
      const link = links.get(_id as string);
      if (link === undefined) continue;
      const fields = { _id, _creationTime, sha256, size, contentType, internalId: link.uuid };
      files.push({
        id: _id as string,
        blob: link.blob,
        size: size as number,
        contentType: (contentType as string | undefined) ?? null,
        line: `${JSON.stringify(fields)}\n`,
      });
    }
  }
  return files;
}

async function flushed(path: string): Promise<void> {
  const handle = await open(path, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes the snapshot to `path`; the file appears when it is whole. `files` is null to leave stored files out. */
export async function writeSnapshot(
  snapshot: Snapshot,
  files: FileStore | null,
  path: string,
): Promise<void> {
  const zip = new ZipFile();
  const options = { mtime: new Date(Number(snapshot.ts / 1_000_000n)), mode: 0o100644 };
  const output = zip.outputStream as Readable;
  // Each entry is opened when its turn comes, so that thousands of files do not wait open.
  const add = (name: string, source: () => Readable): void =>
    zip.addReadStreamLazy(name, options, (done) => {
      const stream = source();
      stream.once("error", (error) => output.destroy(error));
      done(null, stream);
    });
  const addText = (name: string, text: string): void => zip.addBuffer(Buffer.from(text), name, options);

  const tables = snapshot.tables.filter(({ name }) => !name.startsWith("_"));
  addText("README.md", README);
  const listed = tables.map(({ name, num }) => `${JSON.stringify({ name, id: num })}\n`);
  addText("_tables/documents.jsonl", listed.join(""));
  for (const table of [...tables].sort((a, b) => a.documents - b.documents)) {
    add(`${table.name}/documents.jsonl`, () => Readable.from(documentLines(snapshot, table)));
    addText(`${table.name}/generated_schema.jsonl`, `${JSON.stringify(UNIFORM)}\n`);
  }
  const storage = snapshot.tables.find(({ name }) => name === STORAGE);
  if (files !== null && storage !== undefined) {
    const stored = storedFiles(snapshot, storage);
    addText(`${STORAGE}/documents.jsonl`, stored.map(({ line }) => line).join(""));
    for (const { id, blob, size, contentType } of stored) {
      add(`${STORAGE}/${id}${extensionFor(contentType)}`, () =>
        size === 0 ? Readable.from([]) : files.blobs.read(blob, 0, size - 1),
      );
    }
  }
  zip.end();
  const temporary = `${path}.unfinished`;
  try {
    await pipeline(output, createWriteStream(temporary, { mode: 0o600 }));
    await flushed(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
