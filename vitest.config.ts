import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { LONG, LONGER, needsDocker } from "./tests/longFiles.ts";
import { LongestFirst } from "./tests/longestFirst.ts";

/** They share one engine and its firewall; on two cores, two at a time are no quicker and wait for one another. */
const E2E_AT_ONCE = 1;

/** Most of what such processes make is gone at once: more room for it spares an eighth of the simulation's time. */
const roomy = { execArgv: ["--max-semi-space-size=32"] };
const convex = { server: { deps: { inline: ["convex-test"] } } };
const servers = { ...roomy, testTimeout: 60_000, hookTimeout: 60_000 };
const e2e = {
  globalSetup: ["tests/global-setup.ts"],
  testTimeout: 240_000,
  hookTimeout: 300_000,
  maxWorkers: E2E_AT_ONCE,
};
const long = { env: { SLIPWAY_LONG_TESTS: "1" } };

/**
 * Seven projects, so that one kind of test can be run alone (`npx vitest run --project unit`):
 * `unit` needs nothing, `convex` runs in the edge runtime as convex-test asks, `embedded` starts real servers,
 * `control` runs the control plane's suite on such a server, `e2e` needs Docker and comes after all others.
 * `long` and, with Docker, `e2e-long` are `npm run test:long`, and no part of `npm test`.
 */
export default defineConfig({
  test: {
    // vitest would leave one core of two to itself, though it hardly needs any while the tests run.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...roomy,
          name: "unit",
          // Nothing here leaves anything behind, and to load the same modules anew for each file took most of the time.
          isolate: false,
          include: ["{core,worker,scripts,docker,dashboard}/**/*.test.{ts,tsx}"],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          ...roomy,
          ...convex,
          name: "convex",
          isolate: false,
          include: ["convex/**/*.test.ts"],
          environment: "edge-runtime",
        },
      },
      { test: { ...servers, name: "embedded", include: ["embedded/**/*.test.ts"], exclude: LONG } },
      { test: { ...servers, name: "control", include: ["tests/control*.test.ts"], exclude: LONG } },
      {
        test: {
          ...e2e,
          name: "e2e",
          include: ["tests/**/*.test.ts"],
          exclude: ["tests/control*.test.ts", ...LONG],
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...long,
          ...servers,
          ...convex,
          name: "long",
          include: [...LONG, ...LONGER].filter((file) => !needsDocker(file)),
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...long,
          ...e2e,
          name: "e2e-long",
          include: [...LONG, ...LONGER].filter(needsDocker),
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
