import type { ProjectSpec } from "../../core/projectSpec.ts";
import { decideRollout, rolloutPushed } from "../rollout/rolloutStep.ts";
import { routesOf, type FailedMessages } from "../routing.ts";
import type { SeenEnvironment } from "../seen.ts";
import type { TurnContext } from "./turnContext.ts";

/**
 * Has the gateway lead to what answers.
 * @param leaving containers that are about to stop, by name: nothing new is led to them
 * @param failures why environments failed, for their pages
 * @param undoes why what deploy is to run cannot come to answer, as seen by now: what was told earlier may be mended
 * @returns why the gateway did not take it, or null
 */
export async function routeProject(
  context: TurnContext,
  spec: ProjectSpec,
  seen: readonly SeenEnvironment[],
  leaving: ReadonlySet<string>,
  failures: FailedMessages,
  undoes: string | null,
): Promise<unknown> {
  const { routes, log } = context;
  try {
    await decideRollout(context, spec, seen, undoes);
    const wanted = routesOf(spec, seen, leaving, failures);
    const changed = await routes.put(spec.namespace, wanted);
    if (changed === "changed") log("routed", { project: spec.slug, namespace: spec.namespace });
    await rolloutPushed(context, spec, seen, routes.version(spec.namespace), wanted?.environments.deploy);
    return null;
  } catch (error) {
    log("route-failed", { project: spec.slug, error });
    return error;
  }
}

/** Why environments failed, as last told of what is wanted still: their page goes on saying so until more is known. */
export function toldFailures(
  { reporter }: TurnContext,
  { projectId, environments }: ProjectSpec,
): FailedMessages {
  return failedMessages(
    environments.flatMap(({ kind, generation }) => {
      const told = reporter.last(projectId, kind);
      return told?.observedGeneration === generation ? [told] : [];
    }),
  );
}

/** Why environments failed, by kind. */
export function failedMessages(
  observations: readonly { kind: string; phase: string; message: string }[],
): FailedMessages {
  return Object.fromEntries(
    observations.filter(({ phase }) => phase === "failed").map(({ kind, message }) => [kind, message]),
  );
}
