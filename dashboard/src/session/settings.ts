import * as z from "zod";

/** What the server of this page says of itself, at /slipway.json. */
const vSettings = z.object({
  /** Where Convex answers; null: where this page came from. */
  convexUrl: z.string().nullable(),
  baseDomain: z.string(),
  httpPort: z.number(),
  httpsPort: z.number().nullable(),
  /** The host whose worker serves this page: terminals of projects there can be opened from here. */
  host: z.string(),
  version: z.string(),
});
export type Settings = z.infer<typeof vSettings>;

const DEADLINE_MS = 10_000;

/** @throws Error where there is no answer, or another one, with a sentence for people */
export async function readSettings(): Promise<Settings> {
  const response = await fetch("/slipway.json", {
    cache: "no-store",
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  if (!response.ok) throw new Error(`Slipway answered ${response.status} to the question for its settings.`);
  return vSettings.parse(await response.json());
}
