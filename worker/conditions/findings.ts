import type { Condition } from "../../core/projectSpec.ts";
import type { Failure } from "../execute.ts";
import type { SeenEnvironment } from "../seen.ts";

/** How long a started container may take until it answers. */
export const START_LIMIT_MS = 120_000;

/** All that is known of an environment at the end of a turn. */
export type Findings = {
  namespace: string;
  seen: SeenEnvironment;
  /** Why the project could not be rendered. */
  renderError: unknown;
  /** What failed for this environment. */
  failures: readonly Failure[];
  /** Containers that are kept from running, by name, and why. */
  held: ReadonlyMap<string, string>;
  /** Containers that are kept from running because a volume of theirs holds more than it may, by name, and why. */
  overfull: ReadonlyMap<string, string>;
  /** Why volumes can have no hard size on this host; null where they can. */
  unsized: string | null;
  /** The last lines that failed containers wrote, by name. */
  logs: ReadonlyMap<string, string>;
  /** Why the gateway did not take the routes. */
  routeError: unknown;
  /** Why the gateway answers with a page of its own though containers may answer; null, or not given: it does not. */
  closed?: string | null;
  /** The environment waits for a snapshot; with why it could not be taken, where it could not. */
  snapshot?: { error: unknown } | null;
  /** Images that are being pulled or made right now. */
  fetching?: readonly string[];
  /** The attachment of its group's that services wait for; null: none. */
  awaited?: string | null;
  /** Something that it shared with its group is there yet, and nobody needs it any more. */
  groupLeft?: boolean;
  /** How the environment hibernates. */
  hibernate: "stop" | "pause";
  /** Whether the attempts are used up. */
  exhausted: boolean;
  before: readonly Condition[];
  /** ms since 1970 */
  now: number;
};
