import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** These make and remove images that all others use. */
const ALONE = ["tests/imageBuilding.test.ts", "tests/images.test.ts"];

/**
 * Six projects, so that one kind of test can be run alone (`npx vitest run --project unit`):
 * `unit` needs nothing, `convex` runs in the edge runtime as convex-test asks, `embedded` starts real servers,
 * `control` runs the control plane's suite on such a server, `e2e` needs Docker and comes after all others, as its time
 * is the engine's; its files have ports, subnets and an instance of their own. `e2e-alone` runs last, a file at a time.
 */
export default defineConfig({
  test: {
    // vitest would leave one core of two to itself, though it hardly needs any while the tests run.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        test: {
          name: "unit",
          include: ["{core,worker,scripts,docker}/**/*.test.ts"],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: "convex",
          include: ["convex/**/*.test.ts"],
          environment: "edge-runtime",
          server: { deps: { inline: ["convex-test"] } },
        },
      },
      {
        test: {
          name: "embedded",
          include: ["embedded/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "control",
          include: ["tests/control*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["tests/**/*.test.ts"],
          exclude: ["tests/control*.test.ts", ...ALONE],
          globalSetup: ["tests/global-setup.ts"],
          testTimeout: 240_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "e2e-alone",
          include: ALONE,
          globalSetup: ["tests/global-setup.ts"],
          testTimeout: 180_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
