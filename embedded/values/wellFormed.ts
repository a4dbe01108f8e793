/** Structural limits on every value that enters the backend, checked before anything recursive touches it. */
import type { JSONValue } from "convex/values";
import { LIMITS } from "./limits.ts";

/**
 * Why a JSON-encoded Convex value breaks a structural limit (nesting, array length, number of fields), or null.
 * Walks with its own stack, so that hostile nesting cannot overflow ours.
 */
export function explainMalformed(root: JSONValue): string | null {
  const pending: [JSONValue, number][] = [[root, 0]];
  for (;;) {
    const next = pending.pop();
    if (next === undefined) return null;
    const [value, depth] = next;
    if (typeof value !== "object" || value === null) continue;
    if (depth > LIMITS.nesting) return `Value is too deeply nested (maximum nesting: ${LIMITS.nesting})`;
    if (Array.isArray(value)) {
      if (value.length > LIMITS.arrayElements) {
        return `Array length is too long (${value.length} > maximum length ${LIMITS.arrayElements})`;
      }
      for (const element of value) pending.push([element, depth + 1]);
      continue;
    }
    const names = Object.keys(value);
    if (names.length > LIMITS.objectFields) {
      return `Object has too many fields (${names.length} > maximum number ${LIMITS.objectFields})`;
    }
    for (const name of names) {
      if (name === "__proto__") return 'Field name "__proto__" is not allowed';
      pending.push([value[name]!, depth + 1]);
    }
  }
}
