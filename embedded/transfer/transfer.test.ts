import { rmSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import type { Value } from "convex/values";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ZipFile } from "yazl";
import { openQuery } from "../runtime/query.ts";
import type { Document } from "../storage/documents.ts";
import { tableNumberOf } from "../values/ids.ts";
import { openTransferBench, type TransferBench } from "./testBench.ts";
import { openZip } from "./zipReader.ts";

let bench: TransferBench;
const others: TransferBench[] = [];

beforeEach(async () => {
  bench = await openTransferBench();
});

afterEach(async () => {
  await bench.end();
  for (const other of others.splice(0)) await other.end();
});

async function another(): Promise<TransferBench> {
  const other = await openTransferBench();
  others.push(other);
  return other;
}

const insert = (on: TransferBench, table: string, fields: Record<string, Value>): Promise<string> =>
  on.write((tx) => tx.insertSystem(table, fields as Document));

const storeFile = (on: TransferBench, text: string, contentType: string | null): Promise<string> =>
  on.files.store(Readable.from([Buffer.from(text)]), { contentType, sha256: null });

async function textOfFile(on: TransferBench, id: string): Promise<string> {
  const file = (await on.files.find(id))!;
  return (await on.files.blobs.readAll(file.blob)).toString();
}

async function zipOf(entries: Record<string, string>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, text] of Object.entries(entries)) zip.addBuffer(Buffer.from(text), name);
  zip.end();
  const chunks: Buffer[] = [];
  for await (const chunk of zip.outputStream) chunks.push(chunk as unknown as Buffer);
  return Buffer.concat(chunks);
}

const bodies = async (on: TransferBench, table: string): Promise<unknown[]> =>
  (await on.documents(table)).map(({ body }) => body);

const jsonl = (table: string, mode = "requireEmpty"): Record<string, unknown> => ({
  tableName: table,
  mode,
  format: "jsonLines",
});

describe("one table", () => {
  test.each<[format: string, content: string]>([
    ["jsonLines", '{"body":"a","n":1}\n{"body":"b","n":2}\n'],
    ["jsonArray", '[{"body":"a","n":1},{"body":"b","n":2}]'],
    ["csv", "body,n\na,1\nb,2\n"],
  ])("%s", async (format, content) => {
    const end = await bench.import(content, { tableName: "messages", mode: "requireEmpty", format });
    expect(end).toMatchObject({ state: "completed", num_rows_written: { $integer: "AgAAAAAAAAA=" } });
    const documents = await bench.documents("messages");
    expect(documents).toEqual([
      { _id: expect.any(String) as string, _creationTime: expect.any(Number) as number, body: "a", n: 1 },
      { _id: expect.any(String) as string, _creationTime: expect.any(Number) as number, body: "b", n: 2 },
    ]);
  });

  test("modes: a table with documents is refused, appended to, or replaced", async () => {
    await insert(bench, "messages", { body: "old" });
    await insert(bench, "users", { name: "kept" });
    expect(await bench.import('{"body":"new"}', jsonl("messages"))).toEqual({
      state: "failed",
      error_message:
        "Hit an error while importing:\nTable messages already exists. Please choose a new table name or use replace/append modes.",
    });
    expect(await bench.import('{"body":"new"}', jsonl("messages", "append"))).toMatchObject({
      state: "completed",
    });
    expect(await bodies(bench, "messages")).toEqual(["old", "new"]);
    expect(await bench.import('{"body":"only"}', jsonl("messages", "replace"))).toMatchObject({
      state: "completed",
    });
    expect(await bodies(bench, "messages")).toEqual(["only"]);
    expect(await bench.documents("users")).toHaveLength(1);
  });

  test("replace-all drops tables that the schema does not declare and empties those it does", async () => {
    bench.setSchema({
      tables: [{ tableName: "declared", indexes: [], documentType: { type: "any" } }],
      schemaValidation: true,
    });
    for (const table of ["messages", "declared", "other"]) await insert(bench, table, { body: table });
    expect(await bench.import('{"body":"new"}', jsonl("messages", "replaceAll"))).toMatchObject({
      state: "completed",
    });
    expect(await bodies(bench, "messages")).toEqual(["new"]);
    expect(await bench.documents("declared")).toEqual([]);
    expect(bench.store.catalog.table("declared")).not.toBeNull();
    expect(bench.store.catalog.table("other")).toBeNull();
  });

  test("ids and creation times are kept; a new deployment takes over the table's number", async () => {
    await insert(bench, "filler", {});
    const id = await insert(bench, "messages", { body: "first" });
    const [document] = await bench.documents("messages");
    const other = await another();
    const end = await other.import(JSON.stringify(document), jsonl("messages"));
    expect(end).toMatchObject({ state: "completed" });
    expect(await other.documents("messages")).toEqual([document]);
    expect(other.store.catalog.table("messages")!.num).toBe(tableNumberOf(id));
    await insert(other, "messages", { body: "second" });
    await insert(other, "later", {});
    const numbers = other.store.catalog.tables().map(({ num }) => num);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  test("many documents, in many parts of an upload", async () => {
    const lines = Array.from({ length: 5_000 }, (_, i) => JSON.stringify({ n: i, text: `text ${i}` })).join(
      "\n",
    );
    const importId = await bench.upload(Buffer.from(lines), jsonl("numbers"), 10_007);
    expect(await bench.settledState(importId)).toMatchObject({
      state: "waiting_for_confirmation",
      require_manual_confirmation: false,
    });
    expect((await bench.post("/api/perform_import", { importId })).status).toBe(200);
    expect(await bench.settledState(importId)).toMatchObject({ state: "completed" });
    await bench.transfer.imports.settled();
    expect((await bench.documents("numbers")).map(({ n }) => n)).toEqual(
      Array.from({ length: 5_000 }, (_, i) => i),
    );
    expect(readdirSync(path.join(bench.folder, "transfer", "uploads"))).toEqual([]);
  });

  test("an empty cell leaves out a field that the schema lets be absent", async () => {
    bench.setSchema({
      tables: [
        {
          tableName: "people",
          indexes: [],
          documentType: {
            type: "object",
            value: {
              name: { fieldType: { type: "string" }, optional: false },
              nick: { fieldType: { type: "string" }, optional: true },
            },
          },
        },
      ],
      schemaValidation: true,
    });
    await bench.import("name,nick\n,\nAnn,A\n", { tableName: "people", mode: "requireEmpty", format: "csv" });
    expect((await bench.documents("people")).map(({ name, nick }) => [name, nick])).toEqual([
      ["", undefined],
      ["Ann", "A"],
    ]);
  });

  test("search indexes know what was imported, and forget what was replaced", async () => {
    await insert(bench, "messages", { body: "zebra" });
    await bench.exclusive(() => {
      const { catalog, documents } = bench.store;
      const table = catalog.table("messages")!;
      documents.fillIndex(
        catalog.addIndex(table, "by_body", "search", { searchField: "body", filterFields: [] }),
      );
    });
    const found = (text: string): Promise<number> =>
      bench.read((tx) => {
        const source = {
          type: "Search" as const,
          indexName: "messages.by_body",
          filters: [{ type: "Search" as const, fieldPath: "body", value: text }],
        };
        const pipeline = openQuery(tx, { source, operators: [] });
        let count = 0;
        while (pipeline.next() !== null) count++;
        return count;
      });
    expect(await found("zebra")).toBe(1);
    await bench.import('{"body":"giraffe"}', jsonl("messages", "replace"));
    expect(await found("zebra")).toBe(0);
    expect(await found("giraffe")).toBe(1);
  });
});

describe("refused, with nothing changed", () => {
  const id = "j57f4n8h1q6m5xk0v2b9c3d7e86yz0a1";

  test.each<[name: string, content: string, settings: Record<string, unknown>, message: string]>([
    ["no JSON", '{"body":"a"}\n{oops', jsonl("messages", "append"), "Row 2 wasn't valid JSON"],
    ["no object", "{}\n[1]", jsonl("messages", "append"), "Row 2 wasn't an object"],
    [
      "a reserved field",
      '{"_secret":1}',
      jsonl("messages", "append"),
      'Row 1 wasn\'t a valid Convex value: field "_secret"',
    ],
    [
      "a bad value",
      '{"a":{"$integer":"x"}}',
      jsonl("messages", "append"),
      "Row 1 wasn't a valid Convex value",
    ],
    ["an id that is none", `{"_id":"${id}"}`, jsonl("messages", "append"), "which is no id"],
    [
      "too deep",
      `{"a":${"[".repeat(80)}${"]".repeat(80)}}`,
      jsonl("messages", "append"),
      "too deeply nested",
    ],
    ["no array", "{}", { tableName: "messages", mode: "append", format: "jsonArray" }, "Not a JSON array"],
    ["broken JSON", "[", { tableName: "messages", mode: "append", format: "jsonArray" }, "Not valid JSON"],
    [
      "a short CSV row",
      "a,b\n1\n",
      { tableName: "messages", mode: "append", format: "csv" },
      "CSV row 1 doesn't have all",
    ],
    ["no ZIP", "PK not at all", { mode: "append", format: "zip" }, "invalid zip file"],
  ])("%s", async (_name, content, settings, message) => {
    await insert(bench, "messages", { body: "old" });
    const end = await bench.import(content, settings);
    expect(end).toMatchObject({ state: "failed" });
    expect((end as { error_message: string }).error_message).toContain(message);
    expect(await bodies(bench, "messages")).toEqual(["old"]);
  });

  test("a row that breaks the schema undoes the whole import, of every table", async () => {
    bench.setSchema({
      tables: [
        {
          tableName: "strict",
          indexes: [],
          documentType: { type: "object", value: { n: { fieldType: { type: "number" }, optional: false } } },
        },
      ],
      schemaValidation: true,
    });
    await insert(bench, "strict", { n: 0 });
    const zip = await zipOf({
      "free/documents.jsonl": '{"x":1}\n',
      "strict/documents.jsonl": '{"n":1}\n{"n":"two"}\n',
    });
    const end = await bench.import(zip, { mode: "replace", format: "zip" });
    expect((end as { error_message: string }).error_message).toContain(
      "Row 2: Failed to insert or update a document",
    );
    expect((await bench.documents("strict")).map(({ n }) => n)).toEqual([0]);
    expect(bench.store.catalog.table("free")).toBeNull();
    await insert(bench, "strict", { n: 5 });
    expect(await bench.documents("strict")).toHaveLength(2);
  });

  test("ids of another table's number, given twice, or in the way of another table", async () => {
    const a = await insert(bench, "aaa", {});
    const b = await insert(bench, "bbb", {});
    const failure = async (content: string, settings: Record<string, unknown>): Promise<string> =>
      ((await bench.import(content, settings)) as { error_message: string }).error_message;
    expect(await failure(`{"_id":"${b}"}`, jsonl("aaa", "append"))).toContain(
      `Row 1 of table "aaa" has the _id "${b}"`,
    );
    expect(await failure(`{"_id":"${a}"}`, jsonl("aaa", "append"))).toContain("duplicate _id fields");
    expect(await failure(`{"_id":"${a}"}`, jsonl("ccc"))).toContain('which table "aaa" has here');
    const zip = await zipOf({ "a/documents.jsonl": `{"_id":"${a}"}\n{"_id":"${a}"}\n` });
    expect(await failure(zip.toString("latin1"), { mode: "replaceAll", format: "zip" })).toContain(
      "invalid zip file",
    );
    expect(await bench.import(zip, { mode: "replaceAll", format: "zip" })).toMatchObject({ state: "failed" });
    expect(await bench.documents("aaa")).toHaveLength(1);
  });

  test("tables may exchange their numbers", async () => {
    const a = await insert(bench, "aaa", { is: "a" });
    const b = await insert(bench, "bbb", { is: "b" });
    const zip = await zipOf({
      "aaa/documents.jsonl": `{"_id":"${b}","is":"new a"}\n`,
      "bbb/documents.jsonl": `{"_id":"${a}","is":"new b"}\n`,
    });
    expect(await bench.import(zip, { mode: "replace", format: "zip" })).toMatchObject({ state: "completed" });
    expect((await bench.documents("aaa")).map(({ _id, is }) => [_id, is])).toEqual([[b, "new a"]]);
    expect((await bench.documents("bbb")).map(({ _id, is }) => [_id, is])).toEqual([[a, "new b"]]);
  });
});

describe("snapshots", () => {
  async function fill(): Promise<{ message: string; text: string; picture: string; empty: string }> {
    const message = await insert(bench, "messages", {
      body: "größe",
      n: 5n,
      f: 5,
      minusZero: -0,
      far: Infinity,
      bytes: new Uint8Array([1, 2, 255]).buffer,
      nested: { list: [1n, "1", null, true, { deep: NaN }] },
    });
    await bench.write((tx) => {
      for (let i = 0; i < 1_200; i++) tx.insertSystem("numbers", { i, big: BigInt(i) ** 5n });
    });
    await insert(bench, "likes", { message });
    return {
      message,
      text: await storeFile(bench, "some text", "text/plain; charset=utf-8"),
      picture: await storeFile(bench, "p".repeat(100_000), "image/png"),
      empty: await storeFile(bench, "", null),
    };
  }

  test("what is exported is imported again: every value, id, number, file and URL", async () => {
    const { message, text, picture, empty } = await fill();
    const zip = await bench.export(true);
    const other = await another();
    await insert(other, "elsewhere", { stays: true });
    // The other deployment has given the numbers differently.
    const end = await other.import(zip, { mode: "replaceAll", format: "zip" });
    expect(end).toMatchObject({ state: "completed" });
    for (const table of ["messages", "numbers", "likes", "_storage"]) {
      expect(await other.documents(table)).toEqual(await bench.documents(table));
    }
    expect(other.store.catalog.table("messages")!.num).toBe(tableNumberOf(message));
    expect(other.store.catalog.table("elsewhere")).toBeNull();
    expect(await textOfFile(other, text)).toBe("some text");
    expect(await textOfFile(other, picture)).toBe("p".repeat(100_000));
    expect(await textOfFile(other, empty)).toBe("");
    expect(other.files.urlOf((await other.files.find(text))!)).toBe(
      bench.files.urlOf((await bench.files.find(text))!),
    );
    const again = await other.export(true);
    const third = await another();
    expect(await third.import(again, { mode: "requireEmpty", format: "zip" })).toMatchObject({
      state: "completed",
    });
    expect(await third.documents("messages")).toEqual(await bench.documents("messages"));
  });

  test("a deployment is restored from its own snapshot", async () => {
    const { message, text } = await fill();
    const zip = await bench.export(true);
    const before = await bench.documents("messages");
    const url = bench.files.urlOf((await bench.files.find(text))!);
    await bench.write((tx) => tx.removeSystem(bench.store.catalog.table("messages")!, message));
    await insert(bench, "numbers", { i: -1 });
    expect(await bench.import(zip, { mode: "replace", format: "zip" })).toMatchObject({ state: "completed" });
    await bench.files.settled();
    expect(await bench.documents("messages")).toEqual(before);
    expect(await bench.documents("numbers")).toHaveLength(1_200);
    expect(await textOfFile(bench, text)).toBe("some text");
    expect(bench.files.urlOf((await bench.files.find(text))!)).toBe(url);
    expect(bench.files.blobs.names()).toHaveLength(3);
  });

  test("holds the entries that Convex's have", async () => {
    const { text, picture, empty } = await fill();
    const file = path.join(bench.folder, "snapshot.zip");
    writeFileSync(file, await bench.export(true));
    const zip = await openZip(file);
    expect(zip.entries.map(({ name }) => name)).toEqual([
      "README.md",
      "_tables/documents.jsonl",
      "messages/documents.jsonl",
      "messages/generated_schema.jsonl",
      "likes/documents.jsonl",
      "likes/generated_schema.jsonl",
      "numbers/documents.jsonl",
      "numbers/generated_schema.jsonl",
      "_storage/documents.jsonl",
      `_storage/${text}.txt`,
      `_storage/${picture}.png`,
      `_storage/${empty}`,
    ]);
    const read = async (name: string): Promise<string> => {
      let out = "";
      for await (const chunk of await zip.entries.find((entry) => entry.name === name)!.open()) {
        out += Buffer.from(chunk).toString();
      }
      return out;
    };
    const { catalog } = bench.store;
    expect(await read("_tables/documents.jsonl")).toBe(
      ["messages", "numbers", "likes"]
        .map((name) => `{"name":"${name}","id":${catalog.table(name)!.num}}\n`)
        .join(""),
    );
    expect(await read("messages/generated_schema.jsonl")).toBe('"uniform"\n');
    expect(await read("messages/documents.jsonl")).toContain(
      '"f":5.0,"far":{"$float":"AAAAAAAA8H8="},"minusZero":-0.0,"n":5,',
    );
    expect(JSON.parse((await read("_storage/documents.jsonl")).split("\n")[0]!)).toMatchObject({
      _id: text,
      size: 9,
      contentType: "text/plain; charset=utf-8",
      internalId: (await bench.files.find(text))!.uuid,
    });
    zip.close();
  });

  test("without stored files when they are not asked for", async () => {
    await fill();
    const file = path.join(bench.folder, "snapshot.zip");
    writeFileSync(file, await bench.export(false));
    const zip = await openZip(file);
    expect(zip.entries.filter(({ name }) => name.includes("_storage"))).toEqual([]);
    zip.close();
  });

  test("shows one moment, whatever is written meanwhile, and does not hold up writing", async () => {
    await bench.write((tx) => {
      for (let i = 0; i < 3_000; i++) tx.insertSystem(i % 2 === 0 ? "left" : "right", { pair: i >> 1 });
    });
    let exporting = true;
    const exported = bench.export(false).finally(() => {
      exporting = false;
    });
    let pairs = 1_500;
    while (exporting) {
      const pair = pairs++;
      await bench.write((tx) => {
        tx.insertSystem("left", { pair });
        tx.insertSystem("right", { pair });
      });
      await setImmediate();
    }
    const other = await another();
    await other.import(await exported, { mode: "requireEmpty", format: "zip" });
    const left = (await other.documents("left")).map(({ pair }) => pair);
    const right = (await other.documents("right")).map(({ pair }) => pair);
    expect(left).toEqual(right);
    expect(pairs).toBeGreaterThan(1_510);
  });

  test("older ones, with an inferred shape, and with a folder around them", async () => {
    const zip = await zipOf({
      "snapshot_1/_tables/documents.jsonl": '{"name":"messages","id":10001}\n{"name":"unused","id":10002}\n',
      "snapshot_1/messages/documents.jsonl": '{"n":"5","v":"5"}\n',
      "snapshot_1/messages/generated_schema.jsonl": `${JSON.stringify('{"n": int64, "v": string}')}\n`,
      "snapshot_1/_scheduled_functions/documents.jsonl": '{"ignored":true}\n',
    });
    expect(await bench.import(zip, { mode: "requireEmpty", format: "zip" })).toMatchObject({
      state: "completed",
    });
    expect(await bench.documents("messages")).toMatchObject([{ n: 5n, v: "5" }]);
    expect(bench.store.catalog.table("unused")!.num).toBe(10_002);
  });

  test.each<[string, Record<string, string>, string]>([
    [
      "components",
      { "_components/c/t/documents.jsonl": "{}\n" },
      "components are not supported by this backend",
    ],
    ["a table twice", { "a/t/documents.jsonl": "{}", "b/t/documents.jsonl": "{}" }, 'it has "t" twice'],
    ["a name that is none", { "a-b/documents.jsonl": "{}" }, "table name 'a-b' invalid"],
    ["a file that is none", { "_storage/nonsense.png": "x" }, "_storage id 'nonsense' invalid"],
    [
      "a shape that is none",
      { "t/documents.jsonl": "{}", "t/generated_schema.jsonl": '"what?"' },
      "cannot parse the shape",
    ],
    [
      "a schema that is none",
      { "t/documents.jsonl": "{}", "t/generated_schema.jsonl": "{}" },
      "must be a string",
    ],
    [
      "a table list that is none",
      { "_tables/documents.jsonl": '{"name":1}' },
      "row 1 must have a table's `name`",
    ],
  ])("refused: %s", async (_name, entries, message) => {
    const end = await bench.import(await zipOf(entries), { mode: "requireEmpty", format: "zip" });
    expect((end as { error_message: string }).error_message).toContain(message);
  });

  test("refused: a damaged archive, and a stored file with another digest; no blob stays behind", async () => {
    const { text } = await fill();
    const zip = await bench.export(true);
    const other = await another();
    const damaged = Buffer.from(zip);
    const at = damaged.indexOf("numbers/documents.jsonl") + 2_000;
    for (let i = at; i < at + 40; i++) damaged[i] = damaged[i]! ^ 0xff;
    expect(await other.import(damaged, { mode: "requireEmpty", format: "zip" })).toMatchObject({
      state: "failed",
    });
    const wrong = await zipOf({
      "_storage/documents.jsonl": `{"_id":"${text}","sha256":"${Buffer.alloc(32).toString("base64")}"}\n`,
      [`_storage/${text}.txt`]: "other text",
    });
    const end = await other.import(wrong, { mode: "requireEmpty", format: "zip" });
    expect((end as { error_message: string }).error_message).toContain("Sha256 mismatch");
    expect(other.files.blobs.names()).toEqual([]);
    expect(await other.documents("_storage")).toEqual([]);
  });

  test("the last three exports are kept", async () => {
    await insert(bench, "t", {});
    for (let i = 0; i < 5; i++) {
      await insert(bench, "t", {});
      await bench.export(false);
      await bench.transfer.exports.settled();
    }
    expect(readdirSync(path.join(bench.folder, "transfer", "exports"))).toHaveLength(3);
    expect((await bench.get("/api/export/zip/123")).status).toBe(404);
    expect((await bench.get("/api/export/zip/..%2f..%2fdb")).status).toBe(404);
  });

  test("one export at a time", async () => {
    await insert(bench, "t", {});
    const both = await Promise.all(
      [1, 2].map(() => bench.post("/api/export/request/zip?includeStorage=false")),
    );
    expect(both.map(({ status }) => status).sort()).toEqual([200, 400]);
    expect(await both.find(({ status }) => status === 400)!.json()).toMatchObject({
      code: "ExportInProgress",
    });
    await bench.transfer.exports.settled();
  });
});

describe("confirming and cancelling", () => {
  test("deleting has to be agreed to; nothing happens before", async () => {
    await insert(bench, "messages", { body: "old" });
    const importId = await bench.upload(Buffer.from('{"body":"new"}'), jsonl("messages", "replace"));
    const waiting = await bench.settledState(importId);
    expect(waiting).toMatchObject({ state: "waiting_for_confirmation", require_manual_confirmation: true });
    expect((waiting as { message_to_confirm: string }).message_to_confirm).toContain(
      "messages | 1      | 1 of 1 |",
    );
    expect(await bodies(bench, "messages")).toEqual(["old"]);
    expect((await bench.post("/api/cancel_import", { importId })).status).toBe(200);
    expect(await bench.state(importId)).toEqual({ state: "failed", error_message: "Import canceled" });
    for (const path_ of ["/api/perform_import", "/api/cancel_import"]) {
      const refused = await bench.post(path_, { importId });
      expect([refused.status, await refused.json()]).toMatchObject([400, { code: "InvalidImport" }]);
    }
    expect(await bodies(bench, "messages")).toEqual(["old"]);
    expect(readdirSync(path.join(bench.folder, "transfer", "uploads"))).toEqual([]);
  });

  test("cancelled while it runs, it either is done or never was", async () => {
    const lines = Array.from({ length: 4_000 }, (_, i) => JSON.stringify({ i })).join("\n");
    for (let round = 0; round < 4; round++) {
      const table = `numbers${round}`;
      const importId = await bench.upload(Buffer.from(lines), jsonl(table));
      await bench.settledState(importId);
      await bench.post("/api/perform_import", { importId });
      for (let i = 0; i < round * 15; i++) await setImmediate();
      await bench.post("/api/cancel_import", { importId });
      const { state } = await bench.settledState(importId);
      await bench.transfer.imports.settled();
      const count = (await bench.documents(table)).length;
      expect([state, count]).toEqual(state === "completed" ? ["completed", 4_000] : ["failed", 0]);
    }
  });

  test("a server that ends leaves no half import: after the start it is failed, and may be run again", async () => {
    await insert(bench, "messages", { body: "old" });
    const importId = await bench.upload(Buffer.from('{"body":"new"}'), jsonl("messages", "replace"));
    await bench.settledState(importId);
    const { folder } = bench;
    bench.abandon();
    bench = await openTransferBench(folder);
    try {
      expect(await bench.state(importId)).toMatchObject({ state: "failed" });
      expect(await bodies(bench, "messages")).toEqual(["old"]);
      expect(readdirSync(path.join(folder, "transfer", "uploads"))).toEqual([]);
      expect(await bench.import('{"body":"new"}', jsonl("messages", "replace"))).toMatchObject({
        state: "completed",
      });
    } finally {
      await bench.end();
      rmSync(folder, { recursive: true, force: true });
      bench = await openTransferBench();
    }
  });
});

describe("requests that are wrong", () => {
  test.each<[path: string, body: unknown, status: number, code: string]>([
    ["/api/import/finish_upload", {}, 400, "BadRequest"],
    [
      "/api/import/finish_upload",
      { import: { mode: "x", format: "zip" }, uploadToken: "a", partTokens: [] },
      400,
      "BadRequest",
    ],
    [
      "/api/import/finish_upload",
      { import: { format: "zip" }, uploadToken: "a", partTokens: [] },
      400,
      "UploadNotFound",
    ],
    [
      "/api/import/finish_upload",
      { import: { format: "csv" }, uploadToken: "a", partTokens: [] },
      400,
      "InvalidName",
    ],
    [
      "/api/import/finish_upload",
      { import: { format: "zip", tableName: "t" }, uploadToken: "a", partTokens: [] },
      400,
      "InvalidName",
    ],
    [
      "/api/import/finish_upload",
      { import: { format: "csv", tableName: "_storage" }, uploadToken: "a", partTokens: [] },
      400,
      "ImportInvalidName",
    ],
    [
      "/api/import/finish_upload",
      { import: { format: "zip", componentPath: "c" }, uploadToken: "a", partTokens: [] },
      400,
      "ComponentsNotSupported",
    ],
    ["/api/import/upload_part?uploadToken=a&partNumber=1", "x", 400, "UploadNotFound"],
    ["/api/import/upload_part?uploadToken=../../x&partNumber=1", "x", 400, "UploadNotFound"],
    ["/api/perform_import", { importId: "nonsense" }, 400, "InvalidImport"],
    ["/api/perform_import", {}, 400, "BadRequest"],
  ])("%s %j", async (where, body, status, code) => {
    const response = await bench.post(where, body);
    expect([response.status, await response.json()]).toMatchObject([status, { code }]);
  });

  test("parts: a number out of range, one named twice, one that was not sent, too much in all", async () => {
    const { uploadToken } = (await (await bench.post("/api/import/start_upload")).json()) as {
      uploadToken: string;
    };
    const part = (number: number | string): Promise<Response> =>
      bench.post(`/api/import/upload_part?uploadToken=${uploadToken}&partNumber=${number}`, "x");
    for (const number of [0, -1, 10_000, 1.5, "one"]) expect((await part(number)).status).toBe(400);
    const token = (await (await part(1)).json()) as string;
    const finish = (partTokens: string[]): Promise<Response> =>
      bench.post("/api/import/finish_upload", { import: jsonl("t"), uploadToken, partTokens });
    expect((await finish([token, token])).status).toBe(400);
    expect((await finish([token, "2.abc"])).status).toBe(400);
    expect((await finish([token])).status).toBe(200);
    expect((await finish([token])).status).toBe(400);
  });
});
