import * as z from "zod";
import { askDoor, type DoorAnswer, type DoorRequest } from "./door.ts";
import { GatewayError, type GatewayErrorKind } from "./gatewayError.ts";

const vRefusal = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
const REFUSALS: readonly GatewayErrorKind[] = ["invalid", "stale", "taken", "full", "busy", "broken"];

/**
 * Asks the push door something.
 * @returns an answer with the status 200
 * @throws GatewayError what it refuses with, or `unreachable`, `deadline`
 */
export async function askPushDoor(pushSocket: string, request: DoorRequest): Promise<DoorAnswer> {
  const answer = await askDoor(pushSocket, request);
  if (answer.status === 200) return answer;
  const { error } = readAnswer(vRefusal, answer);
  const kind = REFUSALS.find((known) => known === error.code) ?? "broken";
  throw new GatewayError(kind, `The gateway refuses ${request.method} ${request.path}: ${error.message}.`);
}

/** @throws GatewayError `broken` where the answer is not of this shape */
export function readAnswer<T>(schema: z.ZodType<T>, answer: DoorAnswer): T {
  try {
    return schema.parse(JSON.parse(answer.body));
  } catch (cause) {
    throw new GatewayError(
      "broken",
      `The gateway answered ${answer.status} with something that is not its own language.`,
      { cause },
    );
  }
}
