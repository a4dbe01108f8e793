import { listProjects } from "../cli/lib/views.ts";
import type { Session } from "../cli/lib/session.ts";
import { dashboardUrl, environmentUrl, gatewayUrl } from "../cli/lib/urls.ts";
import { table, type Output } from "../cli/lib/output.ts";

/** What is shown to whoever started Slipway: where to look. */
export type Addresses = {
  dashboard: string;
  gateway: string;
  backend: string;
  dataDir: string;
  projects: { slug: string; status: string; urls: string[] }[];
};

/** More than this many are for `slipway status` to show. */
const MOST_SHOWN = 8;

export async function addressesOf(session: Session): Promise<Addresses> {
  const projects = (await listProjects(session, MOST_SHOWN)).map(
    ({ slug, status, namespace, environments }) => ({
      slug,
      status,
      urls: environments
        .filter(({ phase }) => phase === "running")
        .map(({ kind }) => environmentUrl(session.instance, namespace, kind)),
    }),
  );
  return {
    dashboard: dashboardUrl(session.instance),
    gateway: `${gatewayUrl(session.instance)}/`,
    backend: session.url,
    dataDir: session.dataDir,
    projects,
  };
}

/**
 * Where to look, and what to type next.
 * @param signIn a link that signs one browser in to the dashboard; null where nobody would see it but a log
 */
export function welcome(addresses: Addresses, style: Output["style"], signIn: string | null): string {
  const rows = addresses.projects.flatMap(({ slug, status, urls }) =>
    (urls.length > 0 ? urls : ["-"]).map((url) => [`  ${style("bold", slug)}`, style("cyan", url), status]),
  );
  const example = addresses.projects[0]?.slug ?? "hello";
  return [
    "",
    style("bold", "Slipway is running."),
    "",
    table(
      ["  look at", "", ""],
      [
        [
          `  ${style("bold", "dashboard")}`,
          style("cyan", addresses.dashboard),
          signIn === null ? "npx slipway open signs you in" : "the link below signs you in",
        ],
        ...rows,
        [
          "  gateway",
          style("cyan", addresses.gateway),
          "every environment: /projects/<namespace>/<environment>/",
        ],
        ["  backend", addresses.backend, `data in ${addresses.dataDir}`],
      ],
    ),
    "",
    // Not in the table, which it would make wider than most terminals.
    ...(signIn === null ? [] : ["  sign in, once, within 10 minutes", `  ${style("cyan", signIn)}`, ""]),
    table(
      ["  type next", ""],
      [
        ["  npx slipway open", "the dashboard, signed in, in a browser"],
        ["  npx slipway status", "what runs, and where"],
        [
          `  npx slipway transition ${example} paused --wait`,
          "stop its containers; `development` starts them again",
        ],
        ["  npx slipway project create shop --stack react", "another project: node, python, react or static"],
        ["  npx slipway --help", "everything else"],
      ],
    ),
    "",
  ].join("\n");
}
