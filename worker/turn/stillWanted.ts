import { SlipwayError } from "../../core/errors.ts";
import type { ProjectSpec } from "../../core/projectSpec.ts";
import type { TurnContext } from "./turnContext.ts";

/**
 * Reads once more what is wanted, before data goes that nobody can bring back: a turn may take minutes, and a worker that
 * another one has replaced is refused.
 * @param asked what the turn has gone by
 * @throws where anything else is wanted by now, or it cannot be read: then nothing goes
 */
export async function requireStillWanted(
  { controlPlane, expire }: TurnContext,
  asked: ProjectSpec,
): Promise<void> {
  const now = await controlPlane.project(asked.projectId);
  if (now === asked || (now && JSON.stringify(now) === JSON.stringify(asked))) return;
  expire(asked.projectId);
  throw new SlipwayError({
    code: "status_changed",
    message: `Something else is wanted of ${asked.slug} by now, so its data stays.`,
    hint: "The worker looks again and does what is wanted now.",
  });
}
