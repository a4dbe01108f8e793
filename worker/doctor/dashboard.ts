import { failed, ok, skipped, START, type Check, type Finding } from "./check.ts";
import { askGateway, askStatus } from "./gateway.ts";

const BUILD = "npm run dashboard:build";

/** Whether the dashboard's page comes through the gateway, as anybody who opens it meets it; in a few words. */
export async function askDashboard(httpPort: number): Promise<{ ok: boolean; detail: string }> {
  const url = `http://localhost:${httpPort}/`;
  try {
    const [facts, page] = await Promise.all([askStatus(httpPort, "/slipway.json"), askStatus(httpPort, "/")]);
    if (facts !== 200)
      return { ok: false, detail: `the worker, which serves it, answers ${facts} through the gateway` };
    if (page !== 200) return { ok: false, detail: `it is not built: ${BUILD}` };
    return { ok: true, detail: url };
  } catch (error) {
    return { ok: false, detail: `${url}: ${error instanceof Error ? error.message : String(error)}` };
  }
}

export function dashboardChecks({ httpPort }: { httpPort: number }): Check[] {
  return [{ title: "dashboard", run: async () => await dashboardIsServed(httpPort) }];
}

async function dashboardIsServed(httpPort: number): Promise<Finding> {
  if (!(await askGateway(httpPort)).ok) return skipped("the gateway does not answer");
  const { ok: served, detail } = await askDashboard(httpPort);
  return served ? ok(detail) : failed(detail, `${START}; where it says that the build failed: ${BUILD}`);
}
