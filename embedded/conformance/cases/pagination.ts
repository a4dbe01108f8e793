/** `.paginate()`: pages, cursors, and what a page sees of writes. Cursors are opaque. */
import type { PaginationResult } from "convex/server";
import { api } from "../app/convex/_generated/api.js";
import type { QuerySpec } from "../app/convex/spec.ts";
import type { Area, Case } from "../case.ts";
import type { Driver } from "../driver.ts";
import { attempt } from "../errorClass.ts";

type Row = { label: string };
type Page = PaginationResult<Row>;

async function seed(t: Driver, count: number, group = "g"): Promise<void> {
  const writes = Array.from({ length: count }, (_, i) => ({
    ...{ op: "insert", table: "items" },
    document: { label: String(i).padStart(3, "0"), group, rank: i },
  }));
  await t.mutation(api.rows.write, { writes });
}

async function page(
  t: Driver,
  numItems: number,
  cursor: string | null,
  spec: Partial<QuerySpec> = {},
  more: object = {},
): Promise<Page> {
  const terminal = { kind: "paginate", numItems, cursor, ...more } as QuerySpec["terminal"];
  const full: QuerySpec = {
    ...{ table: "items", index: "by_group_and_rank", range: [{ op: "eq", field: "group", value: "g" }] },
    ...spec,
    terminal,
  };
  return (await t.query(api.rows.find, { spec: full })) as Page;
}

const brief = ({ page: rows, isDone }: Page): string =>
  `${rows.map(({ label }) => label).join(" ")}${isDone ? " done" : ""}`;

async function allPages(t: Driver, numItems: number, spec: Partial<QuerySpec> = {}): Promise<string[]> {
  const seen: string[] = [];
  let cursor: string | null = null;
  for (let i = 0; i < 50; i++) {
    const next: Page = await page(t, numItems, cursor, spec);
    seen.push(brief(next));
    if (next.isDone) return seen;
    cursor = next.continueCursor;
  }
  throw new Error("the pages do not end");
}

const cases: Case[] = [
  {
    name: "walks an index page by page",
    run: async (t) => (await seed(t, 7), await allPages(t, 3)),
    expected: ["000 001 002", "003 004 005", "006 done"],
  },
  {
    name: "walks it backwards",
    run: async (t) => (await seed(t, 7), await allPages(t, 3, { order: "desc" })),
    expected: ["006 005 004", "003 002 001", "000 done"],
  },
  {
    name: "walks a table without an index",
    run: async (t) => (await seed(t, 5), await allPages(t, 2, { index: undefined, range: undefined })),
    expected: ["000 001", "002 003", "004 done"],
  },
  {
    name: "gives an empty, finished page of nothing",
    run: (t) => allPages(t, 3),
    expected: [" done"],
  },
  {
    name: "filters rows and goes on until the page is full",
    run: async (t) => {
      await seed(t, 10);
      const filter = {
        ...{
          op: "eq",
          left: { op: "mod", left: { op: "field", path: "rank" }, right: { op: "literal", value: 3 } },
        },
        right: { op: "literal", value: 0 },
      } as QuerySpec["filter"];
      return await allPages(t, 2, { filter });
    },
    expected: ["000 003", "006 009 done"],
  },
  {
    name: "keeps a page's bounds when rows come and go",
    run: async (t) => {
      await seed(t, 6);
      const first = await page(t, 3, null);
      const writes = [
        { op: "insert", table: "items", document: { label: "new in first", group: "g", rank: 0.5 } },
        { op: "delete", table: "items", label: "004" },
        { op: "insert", table: "items", document: { label: "new in second", group: "g", rank: 4.5 } },
      ];
      await t.mutation(api.rows.write, { writes });
      const again = await page(t, 3, null, {}, { endCursor: first.continueCursor });
      const second = await page(t, 3, first.continueCursor);
      return [brief(again), again.continueCursor === first.continueCursor, brief(second)];
    },
    expected: ["000 new in first 001 002", true, "003 new in second 005 done"],
  },
  {
    name: "goes on behind a cursor whose row is gone",
    run: async (t) => {
      await seed(t, 4);
      const first = await page(t, 2, null);
      await t.mutation(api.rows.write, { writes: [{ op: "delete", table: "items", label: "001" }] });
      return brief(await page(t, 2, first.continueCursor));
    },
    expected: "002 003 done",
  },
  {
    name: "finds rows that were added behind the end",
    run: async (t) => {
      await seed(t, 2);
      const last = await page(t, 5, null);
      await t.mutation(api.rows.write, {
        writes: [{ op: "insert", table: "items", document: { label: "late", group: "g", rank: 99 } }],
      });
      return [brief(last), brief(await page(t, 5, last.continueCursor)), brief(await page(t, 5, null))];
    },
    expected: ["000 001 done", " done", "000 001 late done"],
  },
  {
    name: "stops at the number of rows that may be read",
    run: async (t) => {
      await seed(t, 10);
      const limited = await page(t, 8, null, {}, { maximumRowsRead: 3 });
      return [brief(limited), limited.pageStatus ?? null, typeof limited.splitCursor];
    },
    expected: ["000 001 002", "SplitRequired", "string"],
  },
  {
    name: "splits a page at its split cursor",
    run: async (t) => {
      await seed(t, 10);
      const limited = await page(t, 8, null, {}, { maximumRowsRead: 4 });
      const middle = limited.splitCursor!;
      const before = await page(t, 8, null, {}, { endCursor: middle });
      const after = await page(t, 8, middle, {}, { endCursor: limited.continueCursor });
      return [...before.page, ...after.page].map(({ label }) => label);
    },
    expected: ["000", "001", "002", "003"],
  },
  {
    name: "refuses a cursor that is none",
    run: async (t) => (await seed(t, 2), await attempt(() => page(t, 1, "nonsense"))),
    expected: { error: "cursor" },
  },
  {
    name: "refuses a cursor of another query",
    run: async (t) => {
      await seed(t, 4);
      const { continueCursor } = await page(t, 2, null);
      return await attempt(() => page(t, 2, continueCursor, { index: "by_label", range: [] }));
    },
    expected: { error: "cursor" },
    convexTest: { differs: "its cursors name no query" },
  },
  {
    name: "refuses two paginated queries in one function",
    run: (t) => attempt(() => t.query(api.rows.paginateTwice, {})),
    expected: { error: "paginatedTwice" },
  },
  {
    name: "paginates as `usePaginatedQuery` asks",
    run: async (t) => {
      await seed(t, 3);
      const paginationOpts = { numItems: 2, cursor: null, id: 1 };
      const first = (await t.query(api.rows.page, { group: "g", paginationOpts })) as unknown as Page;
      return [
        brief(first),
        Object.keys(first)
          .filter((key) => key in { page: 1, isDone: 1, continueCursor: 1 })
          .sort(),
      ];
    },
    expected: ["000 001", ["continueCursor", "isDone", "page"]],
  },
];

export const pagination: Area = { area: "pagination", cases };
