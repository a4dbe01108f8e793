/** A case: something that an app may do, and what must come of it on every backend. */
import type { Driver } from "./driver.ts";

export interface Case {
  readonly name: string;
  /** Does it and returns what an outside observer saw. The database is empty at the start. */
  readonly run: (t: Driver) => Promise<unknown>;
  /** What Convex answers, normalised; where it is absent, `convex-test`'s answer is the measure. */
  readonly expected?: unknown;
  /** Takes long, or leaves much behind: it is asked over HTTP alone, and the database is thrown away after it. */
  readonly heavy?: true;
  /** Takes seconds: `npm run test:long` alone asks it. */
  readonly slow?: "shown elsewhere";
  /** Why `convex-test` is not asked (`lacks`), or answers otherwise than Convex (`differs`). */
  readonly convexTest?: { readonly lacks: string } | { readonly differs: string };
}

export interface Area {
  readonly area: string;
  readonly cases: readonly Case[];
}
