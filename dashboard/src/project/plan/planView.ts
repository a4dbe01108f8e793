import { z } from "zod";
import { ENVIRONMENT_KINDS } from "../../../../core/lifecycle.ts";

/** The plan that a worker would carry out now, as its door tells it (worker/door/README.md). */

const vOperation = z.object({
  /** What others name it by in `after`. */
  id: z.union([z.string(), z.number()]).optional(),
  /** One call to Docker, in words: `create container`. */
  kind: z.string(),
  /** What it is done to. */
  object: z.string(),
  cause: z.string(),
  /** What has to be done before: ids, or places in the list counted from 1. */
  after: z.array(z.union([z.string(), z.number()])).default([]),
  environment: z.enum(ENVIRONMENT_KINDS).nullish(),
});
export const vPlan = z.object({ operations: z.array(vOperation), text: z.string() });
export type Plan = z.infer<typeof vPlan>;

export type Step = { number: number; kind: string; object: string; after: number[] };
/** Steps that stand together and have one cause. */
export type StepGroup = { cause: string; steps: Step[] };

/** The operations in their order, neighbours with one cause in one group. */
export function groupsOf({ operations }: Plan): StepGroup[] {
  const numbers = new Map(operations.flatMap(({ id }, index) => (id === undefined ? [] : [[id, index + 1]])));
  const groups: StepGroup[] = [];
  operations.forEach(({ kind, object, cause, after }, index) => {
    const before = after.map((one) => numbers.get(one) ?? Number(one)).filter(Number.isInteger);
    const step = { number: index + 1, kind, object, after: before.sort((one, other) => one - other) };
    const last = groups.at(-1);
    if (last?.cause === cause) last.steps.push(step);
    else groups.push({ cause, steps: [step] });
  });
  return groups;
}
