import { api } from "../../../convex/_generated/api.js";
import { SlipwayError } from "../../../core/errors.ts";
import { isSettled } from "../../../core/projectSpec.ts";
import { elapsed } from "../../progress/elapsed.mjs";
import type { Progress, Step } from "../../progress/progress.mjs";
import type { Session } from "./session.ts";
import type { ProjectView } from "./views.ts";

type EnvironmentView = ProjectView["environments"][number];

/** Whether nothing more will happen to any environment by itself. */
export function hasSettled(view: ProjectView): boolean {
  return view.environments.every((environment) => isEnvironmentSettled(view, environment));
}

/** A project that never ran has no host, and nobody who could observe that there is nothing. */
function isEnvironmentSettled({ host }: ProjectView, environment: EnvironmentView): boolean {
  const { desired, phase, observedGeneration, generation } = environment;
  if (host === null && desired === "absent") return true;
  return observedGeneration >= generation && isSettled(desired, phase);
}

export type WaitOptions = {
  timeoutMs: number;
  progress: Progress;
  /** How people are told of the project; by default as it was asked for. */
  name?: string;
  /** Of a project that is being deleted: done only when nothing of it is left. */
  untilGone?: boolean;
};

/**
 * Waits, subscribed, until every environment of the project is as desired or has failed; shows how it goes.
 * @returns the project as it then is; null where it is gone
 * @throws SlipwayError the worker's own message where an environment failed; `deadline` after `timeoutMs`
 */
export async function waitUntilSettled(
  session: Session,
  project: string,
  { timeoutMs, progress, name = project, untilGone = false }: WaitOptions,
): Promise<ProjectView | null> {
  const steps = new StepsOf(progress, name);
  let last: ProjectView | null = null;
  try {
    return await session.subscribed(async (client) => {
      return await new Promise<ProjectView | null>((resolve, reject) => {
        const end = (conclude: () => void) => {
          clearTimeout(timer);
          unsubscribe();
          conclude();
        };
        const timer = setTimeout(() => end(() => reject(tooLate(name, last, timeoutMs))), timeoutMs);
        const unsubscribe = client.onUpdate(
          api.projects.getProject,
          { project },
          (view) => {
            last = view;
            if (view === null) return end(() => resolve(null));
            steps.show(view);
            if (!hasSettled(view)) return;
            const failed = view.environments.filter(({ phase }) => phase === "failed");
            if (failed.length > 0) return end(() => reject(environmentFailed(name, failed)));
            if (!untilGone) end(() => resolve(view));
          },
          (error) => end(() => reject(error)),
        );
      });
    });
  } finally {
    steps.close();
  }
}

/** One progress step for each environment that is on its way. */
class StepsOf {
  private readonly steps = new Map<string, Step>();

  constructor(
    private readonly progress: Progress,
    private readonly project: string,
  ) {}

  show(view: ProjectView): void {
    for (const environment of view.environments) {
      const title = `${this.project} ${environment.kind}: ${environment.desired}`;
      const step = this.steps.get(title);
      if (!isEnvironmentSettled(view, environment)) {
        const shown = step ?? this.progress.step(title);
        this.steps.set(title, shown);
        shown.detail(stateOf(environment));
      } else if (environment.phase === "failed") {
        step?.fail(`${this.project} ${environment.kind}: failed`);
      } else {
        step?.done();
      }
    }
  }

  close(): void {
    for (const step of this.steps.values()) step.drop();
  }
}

/** `starting · waiting for the image`: what the worker says of an environment, in a few words. */
function stateOf({ phase, conditions, message, observedGeneration, generation }: EnvironmentView): string {
  if (observedGeneration < generation) return "waiting for the worker";
  const pending = conditions.find((condition) => condition.status !== "true");
  return [phase, message || pending?.message || pending?.reason].filter(Boolean).join(" · ");
}

function environmentFailed(project: string, failed: EnvironmentView[]): SlipwayError {
  const reasons = failed.map(({ kind, message }) => `${kind}: ${message || "no reason was given"}`);
  return new SlipwayError({
    code: "docker",
    message: `${project} failed: ${reasons.join("; ")}`,
    hint: `slipway logs ${project} ${failed[0]?.kind ?? "dev"} shows what its containers said.`,
  });
}

function tooLate(project: string, view: ProjectView | null, timeoutMs: number): SlipwayError {
  const states = (view?.environments ?? [])
    .filter((environment) => view && !isEnvironmentSettled(view, environment))
    .map((environment) => `${environment.kind} is ${stateOf(environment)}`);
  return new SlipwayError({
    code: "deadline",
    message: `${project} was not done after ${elapsed(timeoutMs)}: ${states.join("; ") || "no answer from the backend"}.`,
    hint: "It goes on by itself; slipway status shows how, slipway doctor what may be wrong. --timeout waits longer.",
  });
}
