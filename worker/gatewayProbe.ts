import type { Gateway } from "./gateway/gateway.ts";
import type { HealthCheck } from "./healthCheck.ts";
import type { ReadinessProbe } from "./readiness.ts";

const PROBE_TIMEOUT_MS = 2_000;
/** Answers that mean "nobody listens there yet"; any other failure is somebody who speaks no HTTP. */
const NOBODY = /timeout|refused|no route|unreachable/;

/**
 * Asks containers from the gateway's side, so that what is found ready can be reached by requests.
 * @param healthCheck for those that may listen long before they serve; without it an open port has to do
 */
export function gatewayProbe(gateway: Pick<Gateway, "probe">, healthCheck?: HealthCheck): ReadinessProbe {
  return async ({ id, address, port, path, mute, check }) => {
    if (mute) {
      const opened = await gateway.probe({ address, port, connectOnly: true, timeoutMs: PROBE_TIMEOUT_MS });
      if (opened.kind !== "answered") return false;
      return check && healthCheck ? await healthCheck(id, check) : true;
    }
    const answer = await gateway.probe({ address, port, path: path ?? "/", timeoutMs: PROBE_TIMEOUT_MS });
    if (path === null) return answer.kind === "answered" || !NOBODY.test(answer.reason);
    return answer.kind === "answered" && answer.status >= 200 && answer.status < 400;
  };
}
