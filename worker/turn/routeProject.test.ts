import { expect, test } from "vitest";
import type { ProjectRoutes } from "../../core/routes.ts";
import { projectSpec } from "../../core/render/render.fixtures.ts";
import type { SeenEnvironment } from "../seen.ts";
import { routeProject } from "./routeProject.ts";
import type { TurnContext } from "./turnContext.ts";

test("what was told of an environment is on its page, and undoes no rollout: it may be mended by now", async () => {
  const undoing: (string | null)[] = [];
  const pages: (string | undefined)[] = [];
  const context = {
    log: () => {},
    routes: {
      put: async (_namespace: string, routes: ProjectRoutes) => {
        pages.push(routes.environments.deploy?.message);
      },
      version: () => 1,
    },
    rollouts: {
      decide: async (...[, , , failure]: [string, SeenEnvironment, unknown, string | null]) => {
        undoing.push(failure);
        return null;
      },
    },
  } as unknown as TurnContext;
  const spec = projectSpec({}, [{ kind: "deploy" }]);
  const found = { containers: [], networks: [], volumes: [] };
  const seen = [{ spec: spec.environments[0]!, rendered: null, found, replicas: [] }];
  const failures = { deploy: "Docker could not copy." };
  await routeProject(context, spec, seen, new Set(), failures, null);
  await routeProject(context, spec, seen, new Set(), failures, failures.deploy);
  expect(undoing).toEqual([null, failures.deploy]);
  expect(pages).toEqual([failures.deploy, failures.deploy]);
});
