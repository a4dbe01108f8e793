/** A deploy: one attempt to bring a release to where a project serves its users (docs/deploys.md). */

export const DEPLOY_STATES = ["rolling", "canary", "live", "failed", "superseded", "aborted"] as const;
/**
 * `rolling`: its containers are made beside those that serve; `canary`: it gets some of the requests; `live`: it serves,
 * or did until the next one; `failed`: what served before serves on; `superseded`: another was wanted before it was
 * live; `aborted`: a canary that people took back.
 */
export type DeployState = (typeof DEPLOY_STATES)[number];

export const DEPLOY_KINDS = ["deploy", "rollback", "canary"] as const;
export type DeployKind = (typeof DEPLOY_KINDS)[number];

/** Whether nothing more will happen to it by itself. */
export function isOver(state: DeployState): boolean {
  return state !== "rolling" && state !== "canary";
}
