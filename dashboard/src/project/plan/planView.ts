import * as z from "zod";
import { ENVIRONMENT_KINDS, type EnvironmentKind } from "../../../../core/lifecycle.ts";

/** The plan that a worker would carry out now, as its door tells it (worker/door/README.md). */

const vOperation = z.object({
  /** What others name it by in `after`. */
  id: z.string(),
  /** One call to Docker, in words: `create container`. */
  kind: z.string(),
  /** What it is done to. */
  object: z.string(),
  /** Null: it is for none alone. */
  environment: z.enum(ENVIRONMENT_KINDS).nullable(),
  cause: z.string(),
  /** What has to be done before. */
  after: z.array(z.string()),
});
export const vPlan = z.object({ operations: z.array(vOperation), text: z.string() });
export type Plan = z.infer<typeof vPlan>;

export type Step = { number: number; kind: string; object: string; after: number[] };
/** Steps that stand together, for one environment and with one cause. */
export type StepGroup = { environment: EnvironmentKind | null; cause: string; steps: Step[] };

/** The operations in their order; neighbours with one environment and one cause are in one group. */
export function groupsOf({ operations }: Plan): StepGroup[] {
  const numbers = new Map(operations.map(({ id }, index) => [id, index + 1]));
  const groups: StepGroup[] = [];
  operations.forEach(({ kind, object, environment, cause, after }, index) => {
    const before = after.flatMap((id) => numbers.get(id) ?? []).sort((one, other) => one - other);
    const step = { number: index + 1, kind, object, after: before };
    const last = groups.at(-1);
    if (last?.cause === cause && last.environment === environment) last.steps.push(step);
    else groups.push({ environment, cause, steps: [step] });
  });
  return groups;
}
