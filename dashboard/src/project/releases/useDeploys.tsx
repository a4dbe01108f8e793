import { useMutation } from "convex/react";
import { api } from "../../../../convex/_generated/api";
import { useDoing } from "../../shared/useDoing.ts";

/** What can be done with releases where a project serves, each with its progress and its end. */
export function useDeploys(slug: string) {
  const doing = useDoing();
  const deploy = useMutation(api.releases.deploy);
  const rollback = useMutation(api.releases.rollback);
  const promote = useMutation(api.releases.promote);
  const abort = useMutation(api.releases.abort);
  const scale = useMutation(api.releases.scale);
  const { run } = doing;
  const on = (doingWords: string, done: string, work: () => Promise<unknown>) =>
    run({ doing: doingWords, done }, work);
  return {
    ...doing,
    deploy: (release: number) =>
      on(
        `Asking for release ${release}`,
        `Release ${release} is on its way; it serves once it is healthy`,
        () => deploy({ project: slug, release }),
      ),
    canary: (release: number, percent: number) =>
      on(
        `Asking for a canary`,
        `Release ${release} gets ${percent} % of the requests once it is healthy`,
        () => deploy({ project: slug, release, canary: percent }),
      ),
    /** Without a release: to the one that was live before. */
    rollback: (release?: number) =>
      on(
        "Going back",
        release === undefined ? `${slug} goes back` : `${slug} goes back to release ${release}`,
        () => rollback({ project: slug, release }),
      ),
    promote: () => on("Promoting the canary", "The canary takes over", () => promote({ project: slug })),
    abort: () => on("Taking the canary back", "The canary is taken back", () => abort({ project: slug })),
    scale: (service: string, replicas: number | null) =>
      on(
        `Scaling ${service}`,
        replicas === null ? `${service} is as its manifest says` : `${service} gets ${replicas} replicas`,
        () => scale({ project: slug, service, replicas }),
      ),
  };
}

export type Deploys = ReturnType<typeof useDeploys>;
