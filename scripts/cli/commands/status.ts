import type { Command } from "commander";
import { askDashboard } from "../../../worker/doctor/dashboard.ts";
import { askGateway } from "../../../worker/doctor/gateway.ts";
import { dataDirectory } from "../../setup/dataDir.ts";
import { readInstance } from "../../setup/instance.ts";
import { connectEngine } from "../../supervisor/engine.ts";
import { runningPart } from "../../supervisor/pidFile.ts";
import { age } from "../lib/age.ts";
import { outputOf } from "../lib/context.ts";
import { EXIT, NOT_RUNNING } from "../lib/fail.ts";
import { backendHealth, workerHealth, type Health } from "../lib/health.ts";
import { table, type Output } from "../lib/output.ts";
import { stylePhase } from "../lib/projectText.ts";
import { openSession } from "../lib/session.ts";
import { environmentUrl } from "../lib/urls.ts";
import { listProjects, type ProjectSummary } from "../lib/views.ts";
import { SlipwayError } from "../../../core/errors.ts";

export function addStatus(program: Command): void {
  program
    .command("status")
    .summary("what runs, and where")
    .description(
      "Show what runs and where: Slipway's own parts, and every project. Exit code 1 where a part is down.",
    )
    .action(status);
}

async function status(_options: object, command: Command): Promise<void> {
  const output = outputOf(command);
  const dataDir = dataDirectory();
  const instance = await readInstance(dataDir);
  if (!instance) throw new SlipwayError(NOT_RUNNING);
  const session = await openSession(dataDir);
  const [supervisor, engine, { hosts, ...backend }, gateway, dashboard] = await Promise.all([
    supervisorHealth(dataDir),
    engineHealth(),
    backendHealth(session),
    askGateway(instance.httpPort),
    askDashboard(instance.httpPort),
  ]);
  const worker = backend.ok
    ? workerHealth(hosts)
    : { ok: false, detail: "unknown while the backend is away" };
  const parts = { supervisor, backend, worker, gateway, dashboard, engine };
  const projects = backend.ok ? await listProjects(session) : [];
  const withUrls = projects.map((project) => ({
    ...project,
    environments: project.environments.map((environment) => ({
      ...environment,
      url:
        environment.phase === "running"
          ? environmentUrl(instance, project.namespace, environment.kind)
          : null,
    })),
  }));
  output.data({ instanceId: instance.instanceId, dataDir, parts, projects: withUrls }, () =>
    [partsTable(parts, output), ...(backend.ok ? [projectsTable(withUrls, output)] : [])].join("\n\n"),
  );
  if (Object.values(parts).some(({ ok }) => !ok)) {
    output.say(
      backend.ok ? "Something is down: slipway doctor shows what to do." : "Start Slipway with: npm start",
    );
    process.exitCode = EXIT.failed;
  }
}

function partsTable(parts: Record<string, Health>, { style }: Output): string {
  return table(
    ["PART", "", ""],
    Object.entries(parts).map(([name, { ok, detail }]) => [
      name,
      ok ? style("green", "✓ up") : style("red", "✗ down"),
      detail,
    ]),
  );
}

type ProjectWithUrls = Omit<ProjectSummary, "environments"> & {
  environments: (ProjectSummary["environments"][number] & { url: string | null })[];
};

/** A line for each environment that is, or should be, there. */
function projectsTable(projects: ProjectWithUrls[], { style }: Output): string {
  if (projects.length === 0) return "No projects.";
  const rows = projects.flatMap(({ slug, status, environments }) => {
    const shown = environments.filter(({ desired, phase }) => desired !== "absent" || phase !== "absent");
    if (shown.length === 0) return [[style("bold", slug), status, "-", "-", "-"]];
    return shown.map(({ kind, phase, url }, index) => [
      index === 0 ? style("bold", slug) : "",
      index === 0 ? status : "",
      kind,
      stylePhase(style, phase),
      url === null ? "-" : style("cyan", url),
    ]);
  });
  return table(["PROJECT", "STATUS", "ENVIRONMENT", "IS", "URL"], rows);
}

async function supervisorHealth(dataDir: string): Promise<Health> {
  const running = await runningPart(dataDir, "supervisor");
  if (!running) return { ok: false, detail: "not started" };
  return { ok: true, detail: `process ${running.pid}, for ${age(running.startedAt, Date.now())}` };
}

async function engineHealth(): Promise<Health> {
  try {
    const docker = await connectEngine();
    const { Version } = await docker.version();
    return { ok: true, detail: `Docker ${Version}` };
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
}
