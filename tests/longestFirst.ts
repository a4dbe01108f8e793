import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * What takes longest, in this order. vitest knows how long files took only from earlier runs on the same machine, and
 * begins with the largest; a long one that begins last has the machine to itself, and everybody waits.
 */
const LONGEST = [
  "embedded/cli.test.ts",
  "embedded/conformance/conformance.test.ts",
  "embedded/chaos/crash.test.ts",
  "tests/controlPlane.test.ts",
  "convex/walksFirstHalf.test.ts",
  "convex/walksSecondHalf.test.ts",
  "tests/controlDeploy.test.ts",
  "tests/controlContention.test.ts",
  "embedded/transfer/cli.test.ts",
  "tests/parallelRuns.test.ts",
  "tests/firstLight.test.ts",
  "tests/deploys.test.ts",
  "tests/deploys/switches.test.ts",
  "tests/worker/crash.test.ts",
  "tests/worker/attachments.test.ts",
  "tests/worker/releases.test.ts",
  "tests/worker/workspace.test.ts",
  "tests/worker/engineRestart.test.ts",
  "tests/worker/onDemandImage.test.ts",
  "tests/isolation.test.ts",
  "tests/isolation/volumes.test.ts",
  "tests/worker.test.ts",
  "tests/worker/drift.test.ts",
  "tests/worker/process.test.ts",
  "tests/gateway/switching.test.ts",
  "tests/gateway/firewall.test.ts",
  "tests/gateway/protection.test.ts",
  "tests/gateway/restarts.test.ts",
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const place = LONGEST.findIndex((path) => moduleId.endsWith(`/${path}`));
      return place === -1 ? LONGEST.length : place;
    };
    // Stable: what is in no list stays as vitest has it.
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
  }
}
