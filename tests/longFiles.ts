/** What `npm run test:long` is made of, by path. */

/**
 * Nowhere else: a project's whole life and a thousand projects in a real browser, 25 databases at once, deploys that go
 * wrong in every way, releases and workspaces through every fault, a worker that dies at 20 moments, restarts of the
 * engine and of the machine, a minute of metrics, images made and run in every way, two workers on one host, rules that
 * other programs break, thousands of slow clients, switches of the gateway's alone.
 */
export const LONG = [
  "embedded/cli.test.ts",
  "embedded/transfer/cli.test.ts",
  "tests/controlContention.test.ts",
  "tests/dashboard/origin.test.ts",
  "tests/dashboard/scale.test.ts",
  "tests/dashboard/story.test.ts",
  "tests/deploys.test.ts",
  "tests/deploys/bounds.test.ts",
  "tests/gateway/firewall.test.ts",
  "tests/gateway/iptables.test.ts",
  "tests/gateway/slowClients.test.ts",
  "tests/gateway/switching.test.ts",
  "tests/imageBuilding.test.ts",
  "tests/images.test.ts",
  "tests/isolation/firewallProbe.test.ts",
  "tests/isolation/reboot.test.ts",
  "tests/isolation/volumes.test.ts",
  "tests/parallelRuns.test.ts",
  "tests/worker/crash.test.ts",
  "tests/worker/engineRestart.test.ts",
  "tests/worker/hostPorts.test.ts",
  "tests/worker/metrics.test.ts",
  "tests/worker/onDemandImage.test.ts",
  "tests/worker/process.test.ts",
  "tests/worker/releases.test.ts",
  "tests/worker/workspace.test.ts",
];

/** In `npm test` too: what they import from ./long.ts is what they do more here. */
export const LONGER = [
  "convex/walksFirstHalf.test.ts",
  "convex/walksSecondHalf.test.ts",
  "embedded/chaos/crash.test.ts",
  "embedded/chaos/fuzz.test.ts",
  "embedded/chaos/livePrograms.test.ts",
  "embedded/chaos/malformedOperations.test.ts",
  "embedded/chaos/randomQueries.test.ts",
  "embedded/conformance/conformance.test.ts",
  "embedded/transfer/crash.test.ts",
  "tests/controlPlane.test.ts",
  "tests/deploys/switches.test.ts",
  "tests/firstLight.test.ts",
  "tests/gateway/fuzz.test.ts",
  "tests/gateway/protection.test.ts",
  "tests/gateway/restarts.test.ts",
  "tests/isolation.test.ts",
  "tests/worker.test.ts",
  "tests/worker/attachments.test.ts",
  "tests/worker/drift.test.ts",
];

export function needsDocker(file: string): boolean {
  return file.startsWith("tests/") && !file.startsWith("tests/control");
}
