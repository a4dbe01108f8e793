import type { ProjectSpec } from "../../core/projectSpec.ts";
import { NOTHING_TO_ATTACH } from "../attachments/attaching.ts";
import type { Operation } from "../plan/operation.ts";
import { previewPlan } from "../plan/previewPlan.ts";
import { fatesOfEarlier } from "../rollout/rolloutStep.ts";
import { seeProject } from "../seen.ts";
import type { TurnContext } from "./turnContext.ts";

/** What a turn of the project would do now, with all that this worker knows of it. Nothing is done, and nothing told. */
export async function previewTurn(context: TurnContext, spec: ProjectSpec): Promise<Operation[]> {
  const { readiness, crashes, volumeWatch, staleHealth, clock, attaching = NOTHING_TO_ATTACH } = context;
  const { namespace } = spec;
  const of = { ...context, attachments: attaching.definitions };
  return await previewPlan(of, spec, async (rendered, looked) => {
    const found = staleHealth.correct(looked);
    const seen = seeProject(spec, rendered, found, readiness);
    const ready = seen.flatMap(({ replicas }) => replicas.filter((replica) => replica.ready));
    return {
      found,
      held: new Map([...crashes.held(namespace, clock.elapsed()), ...(volumeWatch?.held(namespace) ?? [])]),
      answering: new Set(ready.map(({ name }) => name)),
      fates: await fatesOfEarlier(context, spec, seen),
    };
  });
}
