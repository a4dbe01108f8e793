/**
 * The limit: the same statements that one operation comes to, prepared, on the same format of file and with the same
 * durability, with no function, no validation and no JavaScript around them.
 */
import { randomBytes } from "node:crypto";
import type { Driver } from "../storage/driver.ts";
import { openDatabase } from "../storage/format.ts";

const TABLE = 10_001;
const BY_CREATION = 1;
const BY_CHANNEL = 2;

const channelKey = (channel: number): Buffer => {
  const key = Buffer.alloc(9);
  key.writeUInt8(1);
  key.writeDoubleBE(channel, 1);
  return key;
};

export class RawSqlite {
  readonly #driver: Driver;
  readonly #ids: string[] = [];
  #seq = 0;

  constructor(file: string) {
    this.#driver = openDatabase(file, "full");
  }

  /** Inserts up to `count` messages, 20 a channel, in one transaction a thousand. */
  fill(count: number, perChannel: number): void {
    while (this.#seq < count) {
      this.#driver.exec("BEGIN IMMEDIATE");
      for (let n = 0; n < 1_000 && this.#seq < count; n++) this.#write(Math.floor(this.#seq / perChannel));
      this.#driver.exec("COMMIT");
    }
  }

  get(n: number): void {
    const row = this.#driver
      .prepare("SELECT json FROM docs WHERE tbl = ? AND id = ?")
      .get(TABLE, this.#ids[n]!);
    if (row === undefined) throw new Error(`message ${n} is not there`);
  }

  channel(channel: number, expected: number): void {
    const from = channelKey(channel);
    const rows = this.#driver
      .prepare(
        "SELECT d.json FROM idx i JOIN docs d ON d.seq = i.doc WHERE i.ix = ? AND i.key >= ? AND i.key < ? ORDER BY i.key LIMIT 20",
      )
      .all(BY_CHANNEL, from, Buffer.concat([from, Buffer.from([0xff])]));
    if (rows.length !== expected) throw new Error(`channel ${channel} has ${rows.length} messages`);
  }

  /** One durable transaction: a document and its two index entries. */
  insert(channel: number): void {
    this.#driver.exec("BEGIN IMMEDIATE");
    this.#write(channel);
    this.#driver.exec("COMMIT");
  }

  /** One durable transaction: the first document of a channel is read by index and written back. */
  touch(channel: number, body: string): void {
    this.#driver.exec("BEGIN IMMEDIATE");
    const from = channelKey(channel);
    const row = this.#driver
      .prepare(
        "SELECT d.seq, d.json FROM idx i JOIN docs d ON d.seq = i.doc WHERE i.ix = ? AND i.key >= ? AND i.key < ? ORDER BY i.key LIMIT 1",
      )
      .get(BY_CHANNEL, from, Buffer.concat([from, Buffer.from([0xff])]));
    if (row === undefined) throw new Error(`channel ${channel} is empty`);
    const json = JSON.stringify({ ...(JSON.parse(String(row["json"])) as object), body });
    this.#driver.prepare("UPDATE docs SET json = ? WHERE seq = ?").run(json, row["seq"]!);
    this.#driver.exec("COMMIT");
  }

  close(): void {
    this.#driver.close();
  }

  #write(channel: number): void {
    const seq = ++this.#seq;
    const id = randomBytes(16).toString("hex");
    const json = JSON.stringify({ _id: id, _creationTime: seq, body: `message ${seq - 1}`, channel });
    this.#ids.push(id);
    this.#driver
      .prepare("INSERT INTO docs(seq, tbl, id, json, size) VALUES (?, ?, ?, ?, ?)")
      .run(seq, TABLE, id, json, json.length);
    const entry = this.#driver.prepare("INSERT INTO idx(ix, key, doc) VALUES (?, ?, ?)");
    entry.run(BY_CREATION, Buffer.concat([channelKey(seq), Buffer.from(id)]), seq);
    entry.run(BY_CHANNEL, Buffer.concat([channelKey(channel), channelKey(seq), Buffer.from(id)]), seq);
  }
}
