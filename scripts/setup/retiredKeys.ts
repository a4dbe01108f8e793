import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { SlipwayError } from "../../core/errors.ts";
import { isErrorCode } from "./dataDir.ts";

/** Signing keys that sign no more, and of which tokens are still about: public halves only. */

const vRetiredKeys = z.array(
  z.object({
    jwk: z.object({
      kty: z.literal("EC"),
      crv: z.literal("P-256"),
      x: z.string(),
      y: z.string(),
      kid: z.string(),
      alg: z.literal("ES256"),
      use: z.literal("sig"),
    }),
    /** ms since 1970. */
    untilMs: z.number(),
  }),
);
export type RetiredKey = z.infer<typeof vRetiredKeys>[number];

/** The retired keys of a keys folder; also those whose time is over. */
export async function readRetiredKeys(folder: string): Promise<RetiredKey[]> {
  const path = join(folder, "retired.json");
  try {
    return vRetiredKeys.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    if (isErrorCode(error, "ENOENT")) return [];
    throw new SlipwayError(
      {
        code: "setup",
        message: `${path} is damaged.`,
        hint: "Restore it from a backup, or remove it: tokens of earlier keys end then.",
      },
      { cause: error },
    );
  }
}
