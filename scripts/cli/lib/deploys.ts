import type { FunctionReturnType } from "convex/server";
import { api } from "../../../convex/_generated/api.js";
import { isOver } from "../../../core/deploys.ts";
import { SlipwayError } from "../../../core/errors.ts";
import { describeReceipt } from "../../../core/rollout.ts";
import { elapsed } from "../../progress/elapsed.mjs";
import type { Progress } from "../../progress/progress.mjs";
import type { Session } from "./session.ts";

export type DeployView = NonNullable<FunctionReturnType<typeof api.releases.getDeploy>>;

/** `shop release 4: live, 1.2 s to the switch: 800 requests accepted, …`. */
export function deployLine(project: string, deploy: DeployView): string {
  const { release, state, switchedAt, startedAt, receipt, cause } = deploy;
  const took = switchedAt === null ? "" : `, ${elapsed(switchedAt - startedAt)} to the switch`;
  const why = cause === null ? "" : `: ${cause}`;
  return `${project} release ${release}: ${state}${took}${receipt ? `: ${describeReceipt(receipt)}` : ""}${why}`;
}

/**
 * Waits, subscribed, until a deploy is over.
 * @throws SlipwayError why it failed or was superseded; `deadline` after `timeoutMs`
 */
export async function waitForDeploy(
  session: Session,
  project: string,
  number: number,
  { timeoutMs, progress }: { timeoutMs: number; progress: Progress },
): Promise<DeployView> {
  const step = progress.step(`${project}: deploy ${number}`);
  const over = await session.subscribed(
    async (client) =>
      await new Promise<DeployView>((resolve, reject) => {
        const end = (conclude: () => void) => {
          clearTimeout(timer);
          unsubscribe();
          conclude();
        };
        const timer = setTimeout(() => end(() => reject(tooLate(project, number, timeoutMs))), timeoutMs);
        const unsubscribe = client.onUpdate(
          api.releases.getDeploy,
          { project, number },
          (deploy) => {
            if (deploy && isOver(deploy.state)) end(() => resolve(deploy));
          },
          (error) => end(() => reject(error)),
        );
      }),
  );
  if (over.state === "live") {
    step.done();
    return over;
  }
  step.fail();
  throw new SlipwayError({
    code: "guard_failed",
    message: deployLine(project, over),
    hint: `slipway deploys ${project} lists them all, slipway logs ${project} deploy shows what its containers say.`,
  });
}

function tooLate(project: string, number: number, timeoutMs: number): SlipwayError {
  return new SlipwayError({
    code: "deadline",
    message: `Deploy ${number} of ${project} was not over after ${elapsed(timeoutMs)}.`,
    hint: `It goes on by itself; slipway deploys ${project} shows how. --timeout waits longer.`,
  });
}
