import { ConvexError } from "convex/values";
import { SlipwayError, type ErrorData } from "../../core/errors.ts";

/** Ends the function, and its transaction with it, with an error that the caller is meant to read. */
export function refuse(data: ErrorData): never {
  throw new ConvexError(data);
}

/** `value()`, with the pure core's expected errors turned into ones that cross the wire with their data. */
export function refusing<T>(value: () => T): T {
  try {
    return value();
  } catch (error) {
    if (error instanceof SlipwayError) return refuse(error.data);
    throw error;
  }
}
