/** Filter fields of search and vector indexes are compared for equality only, so a digest of the value serves. */
import { createHash } from "node:crypto";
import type { Value } from "convex/values";
import { encodeValue } from "../values/keys.ts";

/** A fixed-length text that two values share exactly when Convex holds them equal; undefined is a missing field. */
export const filterKey = (value: Value | undefined): string =>
  createHash("sha256").update(encodeValue(value), "latin1").digest("base64url");
