import { describe } from "vitest";
import { accessSuite } from "./access.ts";
import { countSuite } from "./counts.ts";
import type { OpenDriver } from "./driver.ts";
import { deploySuite } from "./deploys.ts";
import { everyFunctionSuite } from "./everyFunction.ts";
import { groupSuite } from "./groups.ts";
import { hostSuite } from "./hosts.ts";
import { lifecycleSuite } from "./lifecycle.ts";
import { projectSuite } from "./projects.ts";
import { releaseSuite } from "./releases.ts";
import { testWith } from "./suite.ts";
import { manifestSuite } from "./manifests.ts";
import { matrixSuite, type Describe } from "./matrix.ts";
import { metricSuite } from "./metrics.ts";
import { portSuite } from "./ports.ts";
import { searchSuite } from "./search.ts";
import { secretSuite } from "./secrets.ts";
import { doorSuite } from "./door.ts";
import { signInSuite } from "./signIn.ts";
import { tokenSuite } from "./tokens.ts";
import { workerSuite } from "./worker.ts";
import { workspaceSuite } from "./workspace.ts";

/**
 * Everything that an outside observer can see of the control plane, against one backend.
 * @param describeMatrix what holds every move for every role: where another backend shows it, it may wait for the long tests
 */
export function controlPlaneSuite(
  open: OpenDriver,
  { describeMatrix = describe }: { describeMatrix?: Describe } = {},
): void {
  const it = testWith(open);
  projectSuite(it);
  lifecycleSuite(it);
  workerSuite(it);
  releaseSuite(it);
  deploySuite(it);
  workspaceSuite(it);
  accessSuite(it);
  portSuite(it);
  tokenSuite(it);
  secretSuite(it);
  manifestSuite(it);
  doorSuite(it);
  matrixSuite(it, describeMatrix);
  everyFunctionSuite(it);
  searchSuite(it);
  groupSuite(it);
  countSuite(it);
  hostSuite(it);
  metricSuite(it);
  signInSuite(it);
}
