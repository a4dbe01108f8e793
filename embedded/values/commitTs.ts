/** Commit timestamps: a mutation may write `db.vars.commitTs`, a placeholder that becomes an int64 on commit. */
import { CommitTsPlaceholder, type Value } from "convex/values";

/** True when the JSON text of a document may hold a placeholder; false is certain. */
export const mentionsCommitTs = (json: string): boolean => json.includes('"$commitTs"');

/** A copy of `value` with each placeholder replaced by `ts`. */
export function resolveCommitTs(value: Value, ts: bigint): Value {
  if (value instanceof CommitTsPlaceholder) return ts;
  if (Array.isArray(value)) return value.map((element) => resolveCommitTs(element, ts));
  if (typeof value !== "object" || value === null || value instanceof ArrayBuffer) return value;
  return Object.fromEntries(
    Object.entries(value as Record<string, Value | undefined>)
      .filter((entry): entry is [string, Value] => entry[1] !== undefined)
      .map(([name, field]) => [name, resolveCommitTs(field, ts)]),
  );
}
