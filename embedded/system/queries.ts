/** The system queries that the CLI asks: tables and their documents, functions, environment variables, addresses. */
import { convexToJson, type JSONValue } from "convex/values";
import * as z from "zod";
import { TABLE_NAMES_INDEX } from "../live/readSet.ts";
import type { LoadedApp } from "../runtime/app.ts";
import type { Environment } from "../runtime/environment.ts";
import type { AppFunction } from "../runtime/functions.ts";
import { pageToJson, readPage } from "../runtime/paginate.ts";
import type { SystemQueries, SystemQuery } from "../runtime/systemQueries.ts";

export interface SystemContext {
  /** The current app. */
  app(): LoadedApp;
  readonly environment: Environment;
  readonly cloudUrl: string;
  readonly siteUrl: string;
}

const vPaginationOpts = z.object({
  cursor: z.string().nullable(),
  numItems: z.number().nonnegative(),
  endCursor: z.string().nullish(),
});
const vTableData = z.object({
  table: z.string(),
  order: z.enum(["asc", "desc"]).default("desc"),
  paginationOpts: vPaginationOpts,
});
const vTableName = z.object({ tableName: z.string() });
const vName = z.object({ name: z.string() });

const TYPES = { query: "Query", mutation: "Mutation", action: "Action" } as const;

const specOf = ({ path, kind, visibility, args, returns }: AppFunction): JSONValue => ({
  functionType: TYPES[kind],
  identifier: path,
  visibility: { kind: visibility },
  args: args as unknown as JSONValue,
  returns: (returns ?? { type: "any" }) as unknown as JSONValue,
});

/** Every function and HTTP route of the app. */
const apiSpec = ({ functions, httpRoutes }: LoadedApp): JSONValue => [
  ...functions.all().map(specOf),
  ...httpRoutes.map(({ method, path }) => ({ functionType: "HttpAction", method, path })),
];

const tables: SystemQuery = (tx) => {
  tx.reads.add(TABLE_NAMES_INDEX, "", "\xff");
  const names = tx.store.catalog.tables().map(({ name }) => name);
  const page = names.filter((name) => !name.startsWith("_")).map((name) => ({ name }));
  return JSON.stringify({ page, isDone: true, continueCursor: "_end_cursor" });
};

const tableData: SystemQuery = (tx, args) => {
  const { table, order, paginationOpts } = vTableData.parse(args);
  const { cursor, numItems, endCursor } = paginationOpts;
  const source = { type: "FullTableScan" as const, tableName: table, order };
  const query = { source, operators: [] };
  return pageToJson(readPage(tx, { query, cursor, pageSize: numItems, endCursor }));
};

/** Something that differs after each change of the table: `npx convex dev` waits for one after a refused push. */
const queryTable: SystemQuery = (tx, args) => {
  const count = tx.count(vTableName.parse(args).tableName);
  return JSON.stringify(convexToJson([count, tx.store.lastTs()]));
};

const tableSize: SystemQuery = (tx, args) => String(tx.count(vTableName.parse(args).tableName));

/** The system queries of the core; other parts add their own. */
export function coreSystemQueries({ app, environment, cloudUrl, siteUrl }: SystemContext): SystemQueries {
  return {
    "_system/cli/modules.js:apiSpec": () => JSON.stringify(apiSpec(app())),
    "_system/cli/convexUrl.js:cloudUrl": () => JSON.stringify(cloudUrl),
    "_system/cli/convexUrl.js:siteUrl": () => JSON.stringify(siteUrl),
    "_system/cli/tables.js:default": tables,
    "_system/cli/tableData.js:default": tableData,
    "_system/cli/queryTable.js:default": queryTable,
    "_system/cli/tableSize.js:default": tableSize,
    "_system/cli/queryEnvironmentVariables.js:default": () => JSON.stringify(environment.list()),
    "_system/cli/queryEnvironmentVariables.js:get": (_tx, args) => {
      const { name } = vName.parse(args);
      const value = environment.get(name);
      return JSON.stringify(value === null ? null : { name, value });
    },
    "_system/frontend/components.js:list": () => "[]",
  };
}
