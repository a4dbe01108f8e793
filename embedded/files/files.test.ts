import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseDocument } from "../storage/documents.ts";
import { handleFileRequest } from "./fileHttp.ts";
import { actionFileOperations, transactionFileOperations } from "./fileOperations.ts";
import { findFile } from "./fileRows.ts";
import { parseRange } from "./range.ts";
import { openFileBench, type FileBench } from "./testBench.ts";

const MAX_BYTES = 64 * 1024;

let folder: string;
let bench: FileBench;
let clock = 1_700_000_000_000;

const open = (): FileBench => openFileBench(folder, { maxFileBytes: MAX_BYTES, now: () => clock++ });

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "files-"));
  bench = open();
});

afterEach(() => {
  bench.close();
  rmSync(folder, { recursive: true, force: true });
});

const blobs = (): string[] => readdirSync(path.join(folder, "files", "blobs"));
const unfinished = (): string[] => readdirSync(path.join(folder, "files", "unfinished"));
const digest = (text: string, encoding: "hex" | "base64"): string =>
  createHash("sha256").update(text).digest(encoding);

const storeText = (text: string, contentType: string | null = "text/plain"): Promise<string> =>
  bench.files.store(Readable.from([Buffer.from(text)]), { contentType, sha256: null });

async function urlOf(id: string): Promise<string> {
  return bench.files.urlOf((await bench.files.find(id))!);
}

const fetchFile = (url: string, init?: RequestInit): Promise<Response> =>
  handleFileRequest(bench.files, new Request(url, init));

const upload = (
  body: BodyInit | null,
  headers: Record<string, string> = {},
  token?: string,
): Promise<Response> => {
  const url = bench.files.uploadUrl(clock);
  return fetchFile(token === undefined ? url : `${url.split("?")[0]}?token=${token}`, {
    method: "POST",
    body,
    headers,
    ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
  } as RequestInit);
};

const operate = async (op: string, args: unknown, writable = true): Promise<unknown> => {
  const operation = transactionFileOperations(bench.files)[op]!;
  const run = writable ? bench.write : bench.read;
  return JSON.parse(await run((tx) => operation(tx, clock, args)));
};

const actions = (): ReturnType<typeof actionFileOperations> =>
  actionFileOperations(bench.files, bench.write, bench.read);

describe("the row", () => {
  test("is what `ctx.db.system` shows", async () => {
    const id = await storeText("hello");
    const json = await bench.read((tx) => tx.get(bench.store.catalog.table("_storage")!, id));
    expect(parseDocument(json!)).toEqual({
      _id: id,
      _creationTime: expect.any(Number) as number,
      sha256: digest("hello", "base64"),
      size: 5,
      contentType: "text/plain",
    });
  });

  test("has no content type when none was given", async () => {
    const id = await storeText("x", null);
    const json = await bench.read((tx) => tx.get(bench.store.catalog.table("_storage")!, id));
    expect(Object.keys(parseDocument(json!)).sort()).toEqual(["_creationTime", "_id", "sha256", "size"]);
  });
});

describe("operations of queries and mutations", () => {
  test("getUrl and getMetadata, by id and by UUID; null for a file that is gone", async () => {
    const id = await storeText("hello");
    const url = (await operate("1.0/storageGetUrl", { storageId: id }, false)) as string;
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:3210\/api\/storage\/[0-9a-f-]{36}$/);
    const uuid = url.split("/").at(-1)!;
    expect(await operate("1.0/storageGetUrl", { storageId: uuid }, false)).toBe(url);
    expect(await operate("1.0/storageGetMetadata", { storageId: id }, false)).toEqual({
      storageId: uuid,
      sha256: digest("hello", "hex"),
      size: 5,
      contentType: "text/plain",
    });
    await operate("1.0/storageDelete", { storageId: id });
    expect(await operate("1.0/storageGetUrl", { storageId: id }, false)).toBeNull();
    expect(await operate("1.0/storageGetMetadata", { storageId: uuid }, false)).toBeNull();
    await expect(operate("1.0/storageDelete", { storageId: id })).rejects.toThrow(
      `storage id ${id} not found`,
    );
  });

  test("a read of a file is recorded, so that a live query sees its removal", async () => {
    const id = await storeText("hello");
    const reads = await bench.read((tx) => {
      findFile(tx, id);
      tx.close();
      return [...tx.reads.entries()];
    });
    const touched = await bench.write((tx) => {
      transactionFileOperations(bench.files)["1.0/storageDelete"]!(tx, clock, { storageId: id });
      return tx.touched;
    });
    expect(
      touched.some(({ index, key }) =>
        reads.some(
          ([num, intervals]) =>
            num === index && intervals.some(({ lower, upper }) => lower <= key && key < upper),
        ),
      ),
    ).toBe(true);
  });

  test("ids that are none, or of another table, are refused", async () => {
    const other = await bench.write((tx) => tx.insertSystem("messages", {}));
    for (const storageId of ["", "nonsense", "../../etc/passwd", 7, null]) {
      await expect(operate("1.0/storageGetUrl", { storageId })).rejects.toThrow(
        /Invalid argument `storageId`/,
      );
    }
    await expect(operate("1.0/storageDelete", { storageId: other })).rejects.toThrow(
      'expected an ID in table "_storage", got one in table "messages"',
    );
  });

  test("queries cannot delete, and neither queries nor mutations hold bytes", async () => {
    const id = await storeText("hello");
    await expect(operate("1.0/storageDelete", { storageId: id }, false)).rejects.toThrow("cannot write");
    await expect(operate("1.0/storageGenerateUploadUrl", {}, false)).rejects.toThrow("cannot write");
    await expect(operate("1.0/storageStore", {})).rejects.toThrow(
      "ctx.storage.store() is not supported in queries and mutations yet.",
    );
    await expect(operate("1.0/storageGet", {})).rejects.toThrow("ctx.storage.get() is not supported");
  });
});

describe("operations of actions", () => {
  test("store and get give the same bytes and type", async () => {
    const bytes = new Uint8Array(50_000).map((_, i) => i % 251);
    const id = await actions().values["storage/storeBlob"]!({
      blob: new Blob([bytes], { type: "image/png" }),
      options: { sha256: createHash("sha256").update(bytes).digest("base64") },
    });
    const blob = (await actions().values["storage/getBlob"]!({ storageId: id })) as Blob;
    expect(blob.type).toBe("image/png");
    expect(new Uint8Array(await blob.arrayBuffer())).toEqual(bytes);
    expect(JSON.parse(await actions().json["1.0/storageGetUrl"]!({ storageId: id }))).toContain(
      "/api/storage/",
    );
    await actions().json["1.0/storageDelete"]!({ storageId: id });
    expect(await actions().values["storage/getBlob"]!({ storageId: id })).toBeNull();
  });

  test("a wrong digest, no blob, and too many bytes leave nothing behind", async () => {
    const store = (args: Record<string, unknown>): Promise<unknown> =>
      actions().values["storage/storeBlob"]!(args);
    await expect(store({ blob: new Blob(["a"]), options: { sha256: digest("b", "hex") } })).rejects.toThrow(
      `Sha256 mismatch. Expected: ${digest("b", "base64")} Actual: ${digest("a", "base64")}`,
    );
    await expect(store({ blob: new Blob(["a"]), options: { sha256: "abc" } })).rejects.toThrow("`sha256`");
    await expect(store({ blob: "text" })).rejects.toThrow("store() expects a Blob");
    await expect(store({ blob: new Blob([new Uint8Array(MAX_BYTES + 1)]) })).rejects.toThrow("larger than");
    expect([...blobs(), ...unfinished()]).toEqual([]);
  });
});

describe("upload", () => {
  test("gives a storage id, and the file is there", async () => {
    const response = await upload("some text", {
      "content-type": "text/csv",
      digest: `sha-256=${digest("some text", "base64")}`,
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    const { storageId } = (await response.json()) as { storageId: string };
    const got = await fetchFile(await urlOf(storageId));
    expect(await got.text()).toBe("some text");
    expect(got.headers.get("content-type")).toBe("text/csv");
  });

  test("nothing is a file too", async () => {
    const { storageId } = (await (await upload(null)).json()) as { storageId: string };
    const got = await fetchFile(await urlOf(storageId));
    expect(got.status).toBe(200);
    expect(got.headers.get("content-length")).toBe("0");
    expect(await got.text()).toBe("");
    expect((await fetchFile(await urlOf(storageId), { headers: { range: "bytes=0-" } })).status).toBe(416);
  });

  test("the token is good for an hour, and only the one that was signed here", async () => {
    const token = bench.files.tokens.issue(clock);
    expect((await upload("x", {}, token)).status).toBe(200);
    const [payload, signature] = token.split(".") as [string, string];
    const forged = Buffer.from(JSON.stringify({ issuedAt: clock + 1e9, nonce: "x" })).toString("base64url");
    for (const bad of [
      "",
      "x",
      ".",
      `${payload}.`,
      `${forged}.${signature}`,
      `${token}x`,
      `${token}.x`,
      "a".repeat(1_000),
    ]) {
      const response = await upload("x", {}, bad);
      expect([bad, response.status]).toEqual([bad, 401]);
      expect(await response.json()).toMatchObject({ code: "StorageTokenInvalid" });
    }
    clock += 60 * 60 * 1_000 + 10;
    const late = await upload("x", {}, token);
    expect(late.status).toBe(401);
    expect(await late.json()).toMatchObject({ code: "StorageTokenExpired" });
    expect(blobs()).toHaveLength(1);
  });

  test("too large is refused, whether it is said beforehand or found out", async () => {
    const declared = await upload("x", { "content-length": String(MAX_BYTES + 1) });
    expect(declared.status).toBe(413);
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += 4_096;
        controller.enqueue(new Uint8Array(4_096));
      },
    });
    const found = await upload(endless);
    expect(found.status).toBe(413);
    expect(await found.json()).toMatchObject({ code: "FileTooLarge" });
    expect(sent).toBeLessThan(MAX_BYTES * 4);
    expect([...blobs(), ...unfinished()]).toEqual([]);
  });

  test("a body that breaks off, a wrong or malformed digest: nothing is stored", async () => {
    let calls = 0;
    const broken = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        if (calls++ < 3) controller.enqueue(new Uint8Array(100));
        else controller.error(new Error("connection reset"));
      },
    });
    expect(await (await upload(broken)).json()).toMatchObject({ code: "UploadAborted" });
    expect(await (await upload("a", { digest: `sha-256=${digest("b", "base64")}` })).json()).toMatchObject({
      code: "Sha256Mismatch",
    });
    expect(await (await upload("a", { digest: "md5=abc" })).json()).toMatchObject({ code: "BadHeader" });
    expect([...blobs(), ...unfinished()]).toEqual([]);
  });

  test("a transaction that fails takes the blob with it", async () => {
    bench.store.driver.exec("DROP TABLE files");
    await expect(storeText("x")).rejects.toThrow();
    expect([...blobs(), ...unfinished()]).toEqual([]);
  });
});

describe("download", () => {
  const text = "0123456789";
  let url: string;

  beforeEach(async () => {
    url = await urlOf(await storeText(text));
  });

  test("all of it, with what a client can check it by", async () => {
    const response = await fetchFile(url);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(text);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/plain",
      "content-length": "10",
      "accept-ranges": "bytes",
      digest: `sha-256=${digest(text, "base64")}`,
      etag: `"${digest(text, "base64")}"`,
      "cache-control": "private, max-age=2592000",
      "x-content-type-options": "nosniff",
    });
  });

  test("HEAD says the same without the bytes", async () => {
    const response = await fetchFile(url, { method: "HEAD" });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-length")).toBe("10");
    expect(await response.text()).toBe("");
  });

  test.each<[range: string, status: number, body: string, contentRange: string | null]>([
    ["bytes=0-3", 206, "0123", "bytes 0-3/10"],
    ["bytes=4-", 206, "456789", "bytes 4-9/10"],
    ["bytes=-3", 206, "789", "bytes 7-9/10"],
    ["bytes=-99", 206, text, "bytes 0-9/10"],
    ["bytes=9-99", 206, "9", "bytes 9-9/10"],
    ["bytes=10-", 416, "", "bytes */10"],
    ["bytes=5-4", 416, "", "bytes */10"],
    ["bytes=-0", 416, "", "bytes */10"],
    ["bytes=-", 416, "", "bytes */10"],
    ["bytes=a-b", 416, "", "bytes */10"],
    ["bytes=0-1,3-4", 416, "", "bytes */10"],
    ["bytes=99999999999999999999-", 416, "", "bytes */10"],
    ["lines=1-2", 200, text, null],
  ])("%s", async (range, status, body, contentRange) => {
    const response = await fetchFile(url, { headers: { range } });
    expect(response.status).toBe(status);
    expect(await response.text()).toBe(body);
    expect(response.headers.get("content-range")).toBe(contentRange);
    if (status !== 416) expect(response.headers.get("content-length")).toBe(String(body.length));
  });

  test("what the client has is not sent again", async () => {
    const etag = (await fetchFile(url)).headers.get("etag")!;
    expect((await fetchFile(url, { headers: { "if-none-match": `"x", W/${etag}` } })).status).toBe(304);
    expect((await fetchFile(url, { headers: { "if-none-match": '"x"' } })).status).toBe(200);
    expect((await fetchFile(url, { headers: { range: "bytes=0-1", "if-range": etag } })).status).toBe(206);
    expect((await fetchFile(url, { headers: { range: "bytes=0-1", "if-range": '"old"' } })).status).toBe(200);
  });

  test("paths that stand for no file", async () => {
    const base = "http://127.0.0.1:3210/api/storage/";
    expect((await fetchFile(`${base}00000000-0000-4000-8000-000000000000`)).status).toBe(404);
    for (const name of ["", "x", "..%2f..%2fdb", "%00", "a/b", url.split("/").at(-1)!.toUpperCase()]) {
      const response = await fetchFile(base + name);
      expect([name, response.status]).toEqual([name, 400]);
      expect(await response.json()).toMatchObject({ code: "InvalidStoragePath" });
    }
    expect((await fetchFile(url, { method: "DELETE" })).status).toBe(405);
    expect((await fetchFile(`${base}upload`)).status).toBe(405);
    expect((await fetchFile(url, { method: "OPTIONS" })).status).toBe(204);
  });

  test("any range gives exactly those bytes, or 416", () => {
    fc.assert(
      fc.property(fc.nat(20), fc.nat(25), fc.nat(25), (size, first, last) => {
        const range = parseRange(`bytes=${first}-${last}`, size);
        if (first >= size || last < first) expect(range).toBe("unsatisfiable");
        else expect(range).toEqual({ start: first, end: Math.min(last, size - 1) });
      }),
    );
  });
});

describe("removal", () => {
  test("the blob goes after the commit, and stays when the transaction is undone", async () => {
    const id = await storeText("hello");
    const operation = transactionFileOperations(bench.files)["1.0/storageDelete"]!;
    await expect(
      bench.write((tx) => {
        operation(tx, clock, { storageId: id });
        throw new Error("undo");
      }),
    ).rejects.toThrow("undo");
    await bench.files.settled();
    expect(blobs()).toHaveLength(1);
    expect(await (await fetchFile(await urlOf(id))).text()).toBe("hello");
    await bench.write((tx) => operation(tx, clock, { storageId: id }));
    await bench.files.settled();
    expect(blobs()).toEqual([]);
  });

  test("waits while somebody reads all files", async () => {
    const id = await storeText("hello");
    const release = bench.files.hold();
    await operate("1.0/storageDelete", { storageId: id });
    await bench.files.settled();
    expect(blobs()).toHaveLength(1);
    release();
    await bench.files.settled();
    expect(blobs()).toEqual([]);
  });

  test("many at once are all removed", async () => {
    const ids = await Promise.all(Array.from({ length: 40 }, (_, i) => storeText(`file ${i}`)));
    await Promise.all(ids.map((storageId) => operate("1.0/storageDelete", { storageId })));
    await bench.files.settled();
    expect(blobs()).toEqual([]);
  });
});

describe("at start", () => {
  test("blobs without a row and half-written ones go; files stay", async () => {
    const id = await storeText("kept");
    const removed = await storeText("removed while the server died");
    await bench.write((tx) => {
      const { uuid, blob } = findFile(tx, removed)!;
      tx.removeSystem(bench.store.catalog.table("_storage")!, removed);
      bench.store.driver.prepare("DELETE FROM files WHERE uuid = ?").run(uuid);
      bench.store.driver.prepare("INSERT INTO files_removed VALUES(?)").run(blob);
    });
    bench.close();
    const at = (...names: string[]): string => path.join(folder, "files", ...names);
    mkdirSync(at("unfinished"), { recursive: true });
    writeFileSync(at("unfinished", "half"), "ha");
    writeFileSync(at("blobs", "11111111-1111-4111-8111-111111111111"), "no row yet");
    bench = open();
    expect(await bench.files.recover()).toEqual({ removed: 2, missing: 0 });
    expect(blobs()).toHaveLength(1);
    expect(unfinished()).toEqual([]);
    expect(await (await fetchFile(await urlOf(id))).text()).toBe("kept");
    expect(await bench.files.recover()).toEqual({ removed: 0, missing: 0 });
  });

  test("a blob that somebody else has deleted is reported, and answered with 404", async () => {
    const id = await storeText("gone");
    rmSync(path.join(folder, "files", "blobs", blobs()[0]!));
    expect(await bench.files.recover()).toEqual({ removed: 0, missing: 1 });
    expect((await fetchFile(await urlOf(id))).status).toBe(404);
  });
});
