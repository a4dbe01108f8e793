/** What an import is going to do to which table; pure, and told to the user before it is done. */
import { TransferError } from "./transferError.ts";

export type ImportMode = "requireEmpty" | "append" | "replace" | "replaceAll";

/** A table of the import, counted. */
export interface CountedTable {
  readonly name: string;
  readonly rows: number;
}

export interface PlanInput {
  readonly mode: ImportMode;
  readonly tables: readonly CountedTable[];
  /** How many stored files the import holds, or null when it holds no file storage. */
  readonly files: number | null;
  /** How many documents each user table has, and `_storage`. */
  readonly existing: ReadonlyMap<string, number>;
}

export interface TableChange {
  readonly table: string;
  readonly added: number;
  readonly deleted: number;
  readonly existing: number;
  readonly unit: "" | " files";
}

export interface ImportPlan {
  /** By table name. */
  readonly changes: readonly TableChange[];
  /** User tables that the import does not name and that lose all their documents. */
  readonly emptied: readonly string[];
  /** True when something is deleted, so that the user has to agree. */
  readonly destructive: boolean;
}

/** @throws TransferError `TableExists` when a table has documents and the mode does not say what becomes of them. */
export function planImport({ mode, tables, files, existing }: PlanInput): ImportPlan {
  const replaces = mode === "replace" || mode === "replaceAll";
  const added = new Map(tables.map(({ name, rows }) => [name, rows]));
  const emptied =
    mode === "replaceAll"
      ? [...existing.keys()].filter((name) => !name.startsWith("_") && !added.has(name))
      : [];
  for (const name of emptied) added.set(name, 0);
  if (files !== null) added.set("_storage", files);
  const changes = [...added].map(([table, rows]): TableChange => {
    const count = existing.get(table) ?? 0;
    if (mode === "requireEmpty" && count > 0) {
      throw new TransferError(
        "TableExists",
        `Table ${table} already exists. Please choose a new table name or use replace/append modes.`,
      );
    }
    return {
      table,
      added: rows,
      deleted: replaces ? count : 0,
      existing: count,
      unit: table === "_storage" ? " files" : "",
    };
  });
  changes.sort((a, b) => (a.table < b.table ? -1 : 1));
  return { changes, emptied, destructive: changes.some(({ deleted }) => deleted > 0) };
}

const separated = (count: number): string => count.toLocaleString("en-US");

/** The plan as the CLI prints it. */
export function describePlan({ changes }: ImportPlan): string {
  const background =
    "Once the import has started, it will run in the background.\nInterrupting `npx convex import` will not cancel it.";
  if (changes.length === 0) return background;
  const rows = [
    ["table", "create", "delete"],
    ...changes.map(({ table, added, deleted, existing, unit }) => [
      table,
      separated(added),
      `${separated(deleted)} of ${separated(existing)}${unit}`,
    ]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) => `${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`);
  const rule = "-".repeat(widths.reduce((sum, width) => sum + width, 0) + 8);
  return ["Import change summary:", lines[0], rule, ...lines.slice(1), background].join("\n");
}
