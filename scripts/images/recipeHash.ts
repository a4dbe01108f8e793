import { createHash } from "node:crypto";
import type { ImageDefinition } from "./catalogue.ts";

/** Raised when this code makes other images out of the same definitions. */
const BUILDER_VERSION = 2;

/**
 * Identifies what an image is made from: its definition without the words about it and the moment, what it is built on, and
 * `ingredients` (contents of files, versions of packages). The same in every process and on every machine.
 */
export function recipeHash(image: ImageDefinition, ingredients: readonly string[] = []): string {
  const recipe = { ...image, about: undefined, onDemand: undefined, builder: BUILDER_VERSION, ingredients };
  return createHash("sha256").update(canonical(recipe)).digest("hex").slice(0, 16);
}

/** JSON with sorted keys, so that the order of a file's lines does not count. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`);
  return `{${fields.join(",")}}`;
}
