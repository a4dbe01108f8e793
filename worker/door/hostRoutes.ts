import type { IncomingMessage, ServerResponse } from "node:http";
import { SlipwayError } from "../../core/errors.ts";
import type { Checks } from "../doctor/checksKeeper.ts";
import { planAnswer } from "../plan/previewPlan.ts";
import type { Operation } from "../plan/operation.ts";
import type { Admitted, Doorkeeper } from "./doorkeeper.ts";
import { decoded, sendJson } from "./request.ts";

/** What the worker itself is asked at its door, rather than a project's files and containers. */
export interface HostDesk {
  /** What would be done for a project now; null: it does not live here any more. @throws SlipwayError, EngineError */
  plan(project: Admitted): Promise<Operation[] | null>;
  /** Makes the host's checks now. */
  checkNow(): Promise<Checks>;
}

const PLAN = /^\/v1\/projects\/([^/]{1,128})\/plan$/;
/** Under which requests that are of no project are counted. */
const HOST = "";

type Answer = (token: string, response: ServerResponse) => Promise<void>;

/**
 * What is to be done about a request, where it is one of these.
 * @param desk null while the worker starts
 */
export function hostRoute(
  { url, method }: IncomingMessage,
  doorkeeper: Doorkeeper,
  desk: () => HostDesk | null,
): { project: string; answer: Answer } | null {
  const { pathname } = new URL(url ?? "/", "http://door.invalid");
  const match = PLAN.exec(pathname);
  const project = match && decoded(match[1]!);
  if (project !== null && method === "GET") {
    const answer: Answer = async (token, response) => {
      const admitted = await doorkeeper.admitReader(token, project);
      const operations = await atDesk(desk).plan(admitted);
      if (!operations) throw gone(admitted);
      sendJson(response, 200, planAnswer(operations));
    };
    return { project, answer };
  }
  if (pathname === "/v1/doctor" && method === "POST") {
    const answer: Answer = async (token, response) => {
      await doorkeeper.admitAdmin(token);
      sendJson(response, 200, await atDesk(desk).checkNow());
    };
    return { project: HOST, answer };
  }
  return null;
}

function atDesk(desk: () => HostDesk | null): HostDesk {
  const found = desk();
  if (found) return found;
  throw new SlipwayError({
    code: "setup",
    message: "The worker is still starting.",
    hint: "Ask again in a moment.",
  });
}

function gone({ slug }: Admitted): SlipwayError {
  return new SlipwayError({
    code: "not_found",
    message: `${slug} does not live on this host.`,
    hint: "Ask again where its host's door is: slipway project show says where it lives.",
  });
}
