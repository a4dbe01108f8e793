import { ConvexError } from "convex/values";
import { expect } from "vitest";
import type { ErrorCode, ErrorData } from "../../core/errors.ts";

/** Awaits a call that the control plane must refuse with `code`, and returns what it says. */
export async function expectRefused(call: Promise<unknown>, code: ErrorCode): Promise<ErrorData> {
  const outcome = await call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!("error" in outcome)) return expect.fail(`not refused: ${JSON.stringify(outcome.value)}`);
  const { error } = outcome;
  if (!(error instanceof ConvexError)) throw error;
  const data = error.data as ErrorData;
  expect(data).toMatchObject({ code });
  return data;
}
