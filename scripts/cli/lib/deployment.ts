import { SlipwayError } from "../../../core/errors.ts";
import { selfHosted } from "../../setup/backendUrl.ts";
import type { Keys } from "../../setup/keys.ts";
import type { Session } from "./session.ts";

const DEADLINE_MS = 30_000;

/**
 * Sets environment variables of the deployment, as Convex's own tools do; they take effect at once.
 * @throws SlipwayError `setup` where the backend refuses
 */
export async function setVariables(
  session: Session,
  keys: Keys,
  variables: Record<string, string>,
): Promise<void> {
  const { url, adminKey } = selfHosted() ?? { url: session.url, adminKey: keys.adminKey };
  const changes = Object.entries(variables).map(([name, value]) => ({ name, value }));
  const response = await fetch(`${url}/api/update_environment_variables`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Convex ${adminKey}` },
    body: JSON.stringify({ changes }),
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  if (response.ok) return;
  throw new SlipwayError({
    code: "setup",
    message: `The backend refused ${Object.keys(variables).join(", ")} (HTTP ${response.status}).`,
    hint: "Stop and start Slipway: it sets them when it starts.",
  });
}
