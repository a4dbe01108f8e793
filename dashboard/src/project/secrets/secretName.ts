import { RESERVED_VARIABLE, VARIABLE_NAME } from "../../../../core/manifest.ts";

/** What is wrong with a secret's name, for people; null: nothing. */
export function nameProblem(name: string): string | null {
  if (!VARIABLE_NAME.test(name)) return "Letters, digits and _, not beginning with a digit.";
  if (RESERVED_VARIABLE.test(name)) return "Slipway sets this one itself.";
  return null;
}

/** In bytes: what one variable of a process may reasonably hold. */
export const MAX_SECRET_BYTES = 64 * 1024;

export function valueProblem(value: string): string | null {
  const { length } = new TextEncoder().encode(value);
  if (length === 0) return "Something to keep.";
  return length > MAX_SECRET_BYTES ? "At most 64 KiB." : null;
}
