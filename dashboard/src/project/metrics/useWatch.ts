import { useDocumentVisibility } from "@mantine/hooks";
import { useMutation } from "convex/react";
import { useEffect, useState } from "react";
import { api } from "../../../../convex/_generated/api";
import { WATCH_MS } from "../../../../core/metrics.ts";
import { problemOf, type Problem } from "../../shared/problem.ts";

/** Asks for fine samples of a project for as long as somebody looks. @returns what that failed with */
export function useWatch(projectId: string): Problem | null {
  const watch = useMutation(api.metrics.watch);
  const isSeen = useDocumentVisibility() !== "hidden";
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    if (!isSeen) return;
    const look = () => {
      watch({ project: projectId }).then(
        () => setProblem(null),
        (error: unknown) => setProblem(problemOf(error)),
      );
    };
    look();
    const timer = setInterval(look, WATCH_MS / 2);
    return () => clearInterval(timer);
  }, [watch, projectId, isSeen]);
  return problem;
}
