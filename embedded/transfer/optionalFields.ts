/** Which fields of a table may be absent, by the app's schema. */
import type { ValidatorJSON } from "convex/values";
import type { Schema } from "../runtime/schema.ts";

function collect(validator: ValidatorJSON, out: Set<string>): void {
  if (validator.type === "union") for (const member of validator.value) collect(member, out);
  if (validator.type !== "object") return;
  for (const [name, field] of Object.entries(validator.value)) if (field.optional) out.add(name);
}

/** The optional top-level fields of `table`; none when the schema does not declare it. */
export function optionalFields(schema: Schema, table: string): Set<string> {
  const out = new Set<string>();
  const declared = schema.json?.tables.find(({ tableName }) => tableName === table);
  if (declared !== undefined) collect(declared.documentType, out);
  return out;
}
