/** Files and system tables. */
import { api, internal } from "../app/convex/_generated/api.js";
import type { Id } from "../app/convex/_generated/dataModel.d.ts";
import type { Area, Case } from "../case.ts";
import { attempt } from "../errorClass.ts";

/** SHA-256 of "hello" in base64, as Convex documents it in `_storage`. */
const HELLO_SHA = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";

const store = { text: "hello", contentType: "text/plain" };

const fileCases: Case[] = [
  {
    name: "stores, reads and deletes a file in an action",
    run: (t) => t.action(api.files.roundTrip, store),
    expected: { after: 0, blobAfter: true, during: 1, hasUrl: true, text: "hello", urlAfter: null },
    convexTest: { lacks: "it reads a deleted file's blob into an error" },
  },
  {
    name: "keeps a file's metadata",
    run: async (t) => {
      const id = (await t.action(api.files.store, store)) as Id<"_storage">;
      return await t.query(api.files.metadata, { id });
    },
    expected: { contentType: "text/plain", sha256: HELLO_SHA, size: 5 },
    convexTest: { differs: "it keeps no content type" },
  },
  {
    name: "serves a file by its URL, in ranges too",
    run: async (t) => {
      const id = (await t.action(api.files.store, store)) as Id<"_storage">;
      const url = (await t.query(api.files.url, { id }))!;
      const whole = await fetch(url);
      const part = await fetch(url, { headers: { range: "bytes=1-3" } });
      const tail = await fetch(url, { headers: { range: "bytes=-2" } });
      const beyond = await fetch(url, { headers: { range: "bytes=99-" } });
      return [
        [whole.status, whole.headers.get("content-type"), await whole.text()],
        [part.status, part.headers.get("content-range"), await part.text()],
        [tail.status, await tail.text()],
        beyond.status,
      ];
    },
    expected: [[200, "text/plain", "hello"], [206, "bytes 1-3/5", "ell"], [206, "lo"], 416],
    convexTest: { lacks: "its URLs lead nowhere" },
  },
  {
    name: "takes an upload by its URL",
    run: async (t) => {
      const url = await t.mutation(api.files.uploadUrl, {});
      const body = new Uint8Array([0, 255, 7]);
      const response = await fetch(url, {
        method: "POST",
        body,
        headers: { "content-type": "image/x-test" },
      });
      const { storageId } = (await response.json()) as { storageId: Id<"_storage"> };
      const served = await fetch((await t.query(api.files.url, { id: storageId }))!);
      const metadata = await t.query(api.files.metadata, { id: storageId });
      return [response.status, metadata?.size, metadata?.contentType, await served.arrayBuffer()];
    },
    expected: [200, 3, "image/x-test", { bytes: [0, 255, 7] }],
    convexTest: { lacks: "its URLs lead nowhere" },
  },
  {
    name: "refuses an upload without a good token",
    run: async (t) => {
      const url = new URL(await t.mutation(api.files.uploadUrl, {}));
      url.searchParams.set("token", "forged");
      const response = await fetch(url, { method: "POST", body: "x" });
      return [
        response.status >= 400 && response.status < 500,
        await t.internal.query(internal.files.count, {}),
      ];
    },
    expected: [true, 0],
    convexTest: { lacks: "its URLs lead nowhere" },
  },
  {
    name: "deletes a file with its transaction, or not at all",
    run: async (t) => {
      const id = (await t.action(api.files.store, store)) as Id<"_storage">;
      const failed = await attempt(() => t.mutation(api.files.remove, { id, thenThrow: true }));
      const url = await t.query(api.files.url, { id });
      const kept = url === null ? 0 : (await fetch(url)).status;
      await t.mutation(api.files.remove, { id });
      return [failed, kept, await t.query(api.files.url, { id }), (await fetch(url!)).status];
    },
    expected: [{ error: "thrown", text: "keep it" }, 200, null, 404],
    convexTest: { lacks: "its URLs lead nowhere" },
  },
];

const systemCases: Case[] = [
  {
    name: "keeps user tables out of db.system, and system tables out of db",
    run: async (t) => {
      const id = await t.mutation(api.rows.insert, { table: "items", document: { label: "x" } });
      return [
        await attempt(() => t.query(api.system.userTableThroughSystem, { id })),
        await attempt(() => t.query(api.system.systemTableThroughUser, {})),
        await attempt(() => t.mutation(api.system.insertIntoSystem, {})),
      ];
    },
    expected: [{ error: "systemTable" }, { error: "systemTable" }, { error: "systemTable" }],
    convexTest: { differs: "it keeps no such border" },
  },
  {
    name: "gives functions no environment but the app's",
    run: async (t) => [
      await t.query(api.system.environment, { name: "PATH" }),
      await t.query(api.system.environment, { name: "HOME" }),
      typeof (await t.query(api.system.environment, { name: "CONVEX_CLOUD_URL" })),
    ],
    expected: [null, null, "string"],
    convexTest: { differs: "its functions see the test's own process" },
  },
];

export const storage: Area = { area: "storage", cases: [...fileCases, ...systemCases] };
