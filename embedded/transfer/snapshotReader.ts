/** One consistent state of the database, read without holding up those who write. */
import * as z from "zod";
import { openDriver, type Driver } from "../storage/driver.ts";
import type { TransferHost } from "./host.ts";

export interface SnapshotTable {
  readonly name: string;
  readonly num: number;
  readonly documents: number;
}

export interface Snapshot {
  /** The timestamp of the last commit in it. */
  readonly ts: bigint;
  /** Every table, by number. */
  readonly tables: readonly SnapshotTable[];
  /** The documents of a table in order of creation, as stored JSON texts in batches. */
  batches(table: SnapshotTable): Generator<string[]>;
  /** The blob and the URL's last part of each stored file, by id. */
  links(): Map<string, { blob: string; uuid: string }>;
}

const BATCH = 500;
const BY_CREATION = "by_creation_time";
const vText = z.string();

function snapshotOf(driver: Driver, ts: bigint): Snapshot {
  const creationIndex = driver.prepare("SELECT num FROM indexes WHERE tbl = ? AND name = ?");
  const count = driver.prepare("SELECT count(*) AS n FROM idx WHERE ix = ?");
  const indexOf = (num: number): number => Number(creationIndex.get(num, BY_CREATION)?.["num"]);
  const page =
    driver.prepare(`SELECT i.key AS key, d.json AS json FROM idx i CROSS JOIN docs d ON d.seq = i.doc
    WHERE i.ix = ? AND i.key > ? ORDER BY i.key LIMIT ${BATCH}`);
  return {
    ts,
    tables: driver
      .prepare("SELECT num, name FROM tables ORDER BY num")
      .all()
      .map(({ num, name }) => ({
        name: vText.parse(name),
        num: Number(num),
        documents: Number(count.get(indexOf(Number(num)))?.["n"]),
      })),
    batches: function* (table) {
      const index = indexOf(table.num);
      let after: Buffer = Buffer.alloc(0);
      for (;;) {
        const rows = page.all(index, after);
        if (rows.length > 0) yield rows.map((row) => row["json"] as string);
        if (rows.length < BATCH) return;
        after = rows.at(-1)!["key"] as Buffer;
      }
    },
    links: () =>
      new Map(
        driver
          .prepare("SELECT id, blob, uuid FROM files")
          .all()
          .map(({ id, blob, uuid }) => [
            vText.parse(id),
            { blob: vText.parse(blob), uuid: vText.parse(uuid) },
          ]),
      ),
  };
}

/**
 * Runs `work` on a snapshot. A database file is read through a connection of its own, so others go on writing; one
 * in memory has a single connection, so they wait.
 */
export async function withSnapshot<T>(
  host: TransferHost,
  work: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  const { store } = host;
  const file = await host.exclusive(
    () =>
      store.driver
        .prepare("PRAGMA database_list")
        .all()
        .find((row) => row["name"] === "main")?.["file"],
  );
  if (typeof file !== "string" || file === "") {
    return host.exclusive(() => work(snapshotOf(store.driver, store.lastTs())));
  }
  const driver = openDriver(file);
  try {
    driver.exec("PRAGMA busy_timeout = 2000; PRAGMA query_only = ON");
    const ts = await host.exclusive(() => {
      driver.exec("BEGIN");
      // The first read is what fixes the snapshot.
      driver.prepare("SELECT count(*) AS n FROM meta").get();
      return store.lastTs();
    });
    try {
      return await work(snapshotOf(driver, ts));
    } finally {
      // Prepared statements keep the connection alive until they are collected: what they read must not live as long.
      driver.exec("ROLLBACK");
    }
  } finally {
    driver.close();
  }
}
