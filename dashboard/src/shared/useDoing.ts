import { notifications } from "@mantine/notifications";
import { useCallback, useState } from "react";
import { problemOf, type Problem } from "./problem.ts";

export type Doing = {
  isBusy: boolean;
  /** What the last attempt failed with; null once another begins. */
  problem: Problem | null;
  /**
   * Does `work` while a notification says so, and says how it ended.
   * @returns whether it succeeded
   */
  run(words: Words, work: () => Promise<unknown>): Promise<boolean>;
  forget(): void;
};

export type Words = {
  /** While it goes on: "Moving shop to testing". */
  doing: string;
  /** Once it is done: "shop is in testing". */
  done: string;
  /** The caller shows the problem itself. */
  isQuietOnFailure?: boolean;
};

/** An action with its progress, its end, and its error. */
export function useDoing(): Doing {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const run = useCallback(async ({ doing, done, isQuietOnFailure }: Words, work: () => Promise<unknown>) => {
    setBusy(true);
    setProblem(null);
    const id = notifications.show({
      message: doing,
      loading: true,
      autoClose: false,
      withCloseButton: false,
    });
    try {
      await work();
      notifications.update({
        id,
        message: done,
        loading: false,
        autoClose: 3000,
        withCloseButton: true,
        color: "green",
      });
      return true;
    } catch (error) {
      const found = problemOf(error);
      setProblem(found);
      if (isQuietOnFailure) notifications.hide(id);
      else {
        notifications.update({
          id,
          title: found.title,
          message: [found.message, found.hint].filter(Boolean).join(" "),
          color: "red",
          loading: false,
          autoClose: 12_000,
          withCloseButton: true,
        });
      }
      return false;
    } finally {
      setBusy(false);
    }
  }, []);
  const forget = useCallback(() => setProblem(null), []);
  return { isBusy, problem, run, forget };
}
