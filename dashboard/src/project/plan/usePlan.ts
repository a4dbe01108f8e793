import { useCallback, useEffect, useState } from "react";
import { useSession } from "../../session/Session.tsx";
import { askDoor, doorPath } from "../../shared/door.ts";
import { problemOf, type Problem } from "../../shared/problem.ts";
import { vPlan, type Plan } from "./planView.ts";

export type PlanState = {
  /** The last one that came; null: none yet. */
  plan: Plan | null;
  /** When that was, in ms since 1970. */
  at: number | null;
  problem: Problem | null;
  isBusy: boolean;
  refresh: () => void;
};

type Answer = { question: string; plan: Plan | null; at: number | null; problem: Problem | null };

/** The plan of a project, asked for anew whenever `changed` is another: it is no subscription. */
export function usePlan(namespace: string, changed: string): PlanState {
  const { token } = useSession();
  const [asked, setAsked] = useState(0);
  const [answer, setAnswer] = useState<Answer | null>(null);
  const question = `${namespace} ${changed} ${asked}`;
  useEffect(() => {
    const controller = new AbortController();
    askDoor({
      path: doorPath("projects", namespace, "plan"),
      token,
      schema: vPlan,
      signal: controller.signal,
    }).then(
      (plan) => setAnswer({ question, plan, at: Date.now(), problem: null }),
      (error: unknown) => {
        if (controller.signal.aborted) return;
        const problem = problemOf(error);
        setAnswer((before) => ({ question, plan: before?.plan ?? null, at: before?.at ?? null, problem }));
      },
    );
    return () => controller.abort();
  }, [namespace, token, question]);
  const refresh = useCallback(() => setAsked((before) => before + 1), []);
  return {
    plan: answer?.plan ?? null,
    at: answer?.at ?? null,
    problem: answer?.question === question ? answer.problem : null,
    isBusy: answer?.question !== question,
    refresh,
  };
}
