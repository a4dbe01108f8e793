/** Small named values that belong to the database file: the instance's name, secrets, the last timestamp. */
import { randomBytes } from "node:crypto";
import type { Driver } from "./driver.ts";

export interface Meta {
  get(key: string): string | null;
  set(key: string, value: string): void;
}

export function openMeta(driver: Driver): Meta {
  const select = driver.prepare("SELECT value FROM meta WHERE key = ?");
  const upsert = driver.prepare(
    "INSERT INTO meta VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
  );
  return {
    get: (key) => (select.get(key)?.["value"] as string | undefined) ?? null,
    set: (key, value) => void upsert.run(key, value),
  };
}

/** A random secret of 32 bytes (hex) that is made once per database and kept in it. */
export function secretOf(meta: Meta, name: string): string {
  const key = `secret:${name}`;
  const known = meta.get(key);
  if (known !== null) return known;
  const made = randomBytes(32).toString("hex");
  meta.set(key, made);
  return made;
}
