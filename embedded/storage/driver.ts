/**
 * The one file that knows which SQLite binding runs: `node:sqlite` where Node has it (≥ 22.13), else `libsql`.
 * It hides their differences. libsql 0.5 aborts the process when it is given a `Uint8Array` that is no `Buffer`,
 * and returns BLOBs as `ArrayBuffer`: parameters are coerced here, and BLOBs come back as `Buffer`. A statement of its
 * that failed in the middle fails ever after: it is prepared anew.
 */
import { createRequire } from "node:module";

/** What may be bound: a string is TEXT, a Buffer is BLOB, a bigint or an integral number is INTEGER. */
export type SqlValue = string | number | bigint | Buffer | null;
export type SqlRow = Record<string, SqlValue>;

export interface Statement {
  /** Runs the statement; returns the number of changed rows. */
  run(...parameters: SqlValue[]): number;
  get(...parameters: SqlValue[]): SqlRow | undefined;
  all(...parameters: SqlValue[]): SqlRow[];
}

export interface Driver {
  readonly name: "libsql" | "node:sqlite";
  /** Runs SQL text without parameters; several statements are allowed. */
  exec(sql: string): void;
  /** A prepared statement; the same text gives the same one. */
  prepare(sql: string): Statement;
  close(): void;
}

interface RawStatement {
  run(...parameters: unknown[]): { changes: number | bigint };
  get(...parameters: unknown[]): unknown;
  all(...parameters: unknown[]): unknown[];
}

interface RawDatabase {
  exec(sql: string): void;
  prepare(sql: string): RawStatement;
  close(): void;
}

const requireHere = createRequire(import.meta.url);

function normalizeRow(row: unknown): SqlRow {
  const out = row as Record<string, unknown>;
  for (const name of Object.keys(out)) {
    const value = out[name];
    if (value instanceof ArrayBuffer) out[name] = Buffer.from(value);
    else if (value instanceof Uint8Array && !Buffer.isBuffer(value)) {
      out[name] = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    }
  }
  return out as SqlRow;
}

/** libsql takes the parameters as one array; spread, a lone Buffer would be taken for named parameters. */
function wrap(prepare: () => RawStatement, asArray: boolean): Statement {
  let raw = prepare();
  const bind = (parameters: SqlValue[]): unknown[] => (asArray ? [parameters] : parameters);
  const attempt = <T>(ask: (raw: RawStatement) => T): T => {
    try {
      return ask(raw);
    } catch (error) {
      raw = prepare();
      throw error;
    }
  };
  return {
    run: (...parameters) => Number(attempt((raw) => raw.run(...bind(parameters))).changes),
    get: (...parameters) => {
      const row = attempt((raw) => raw.get(...bind(parameters)));
      return row === undefined || row === null ? undefined : normalizeRow(row);
    },
    all: (...parameters) => attempt((raw) => raw.all(...bind(parameters))).map(normalizeRow),
  };
}

function openNodeSqlite(path: string): RawDatabase | null {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 22 || (major === 22 && minor < 13)) return null;
  const { DatabaseSync } = requireHere("node:sqlite") as { DatabaseSync: new (path: string) => RawDatabase };
  return new DatabaseSync(path);
}

function openLibsql(path: string): RawDatabase {
  const Database = requireHere("libsql") as new (path: string) => RawDatabase;
  return new Database(path);
}

/** Opens (or makes) the database file at `path`; `:memory:` works too. Throws what the binding throws. */
export function openDriver(path: string): Driver {
  const builtIn = openNodeSqlite(path);
  const raw = builtIn ?? openLibsql(path);
  const statements = new Map<string, Statement>();
  return {
    name: builtIn === null ? "libsql" : "node:sqlite",
    exec: (sql) => raw.exec(sql),
    prepare: (sql) => {
      let statement = statements.get(sql);
      if (statement === undefined) {
        statement = wrap(() => raw.prepare(sql), builtIn === null);
        statements.set(sql, statement);
      }
      return statement;
    },
    close: () => {
      statements.clear();
      raw.close();
    },
  };
}
