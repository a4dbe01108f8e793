import type { DeployState } from "../../../../core/deploys.ts";
import type { DesiredState } from "../../../../core/lifecycle.ts";
import type { ReleaseState } from "../../../../core/releases.ts";

/** Which release serves, and what can be done with each. What is refused anyway is not offered. */

export type DeployFacts = { number: number; state: DeployState; release: number };
export type ReleaseFacts = { number: number; state: ReleaseState; snapshot: string | null };

export type Serving = {
  /** Whether the deploy environment is there to be changed. */
  isThere: boolean;
  /** The release that gets the requests, or most of them; null: none yet, or it is not known. */
  release: number | null;
  /** What is under way: a rollout or a canary. */
  underWay: DeployFacts | null;
  /** The release that was live before, to go back to. */
  before: number | null;
};

/**
 * @param deploy the deploy environment; its `release` is the one that is wanted
 * @param deploys newest first
 */
export function servingOf(
  deploy: { desired: DesiredState; release: number | null } | undefined,
  deploys: readonly DeployFacts[],
): Serving {
  const isThere = deploy?.desired === "running";
  const newest = deploys[0];
  const underWay = newest && (newest.state === "rolling" || newest.state === "canary") ? newest : null;
  const lives = deploys.filter(({ state }) => state === "live");
  const release = underWay?.state === "rolling" ? (lives[0]?.release ?? null) : (deploy?.release ?? null);
  const before = lives.find((one) => one.release !== release)?.release ?? null;
  return { isThere, release: isThere ? release : null, underWay, before };
}

export type Choice = "deploy" | "canary" | "rollback";

/** What may be done with a release where `serving` is how things are. */
export function choicesOf({ number, state, snapshot }: ReleaseFacts, serving: Serving): Choice[] {
  const isGood = (state === "passed" || state === "untested") && snapshot !== null;
  if (!serving.isThere || !isGood || number === serving.release) return [];
  const { underWay, release } = serving;
  if (underWay?.state === "rolling") return underWay.release === number ? [] : ["deploy"];
  const isOlder = release !== null && number < release;
  const whole: Choice = isOlder ? "rollback" : "deploy";
  return release === null ? [whole] : [whole, "canary"];
}

/** The release that `number` is compared with at first: the newest before it that is still known. */
export function comparedWith(number: number, numbers: readonly number[]): number | null {
  const earlier = numbers.filter((one) => one < number);
  return earlier.length === 0 ? null : Math.max(...earlier);
}
