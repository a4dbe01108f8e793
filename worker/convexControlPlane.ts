import { readFile } from "node:fs/promises";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import type {
  FunctionArgs,
  FunctionReference,
  FunctionReturnType,
  PaginationOptions,
  PaginationResult,
} from "convex/server";
import { ConvexError } from "convex/values";
import * as z from "zod";
import { api } from "../convex/_generated/api.js";
import type { Id } from "../convex/_generated/dataModel.d.ts";
import { SlipwayError, type ErrorData } from "../core/errors.ts";
import { ENVIRONMENT_KINDS, STATUSES, type EnvironmentKind } from "../core/lifecycle.ts";
import { GROUP_NAMESPACE } from "../core/groups.ts";
import { NAMESPACE } from "../core/naming.ts";
import type { ProjectSpec } from "../core/projectSpec.ts";
import { wellFormed } from "../core/text.ts";
import type { CertificateState, CertificateStore } from "./certificates/certificateReports.ts";
import type { SourceFile } from "./codeIndex/readSource.ts";
import type { CodeStore } from "./codeIndex/syncCode.ts";
import type { HostReport, HostStore } from "./host/hostReporter.ts";
import type { KeptLine, LogStore } from "./keptLogs/logKeeper.ts";
import type { WatchedRow } from "./metrics/metrics.ts";
import type { MetricsStore } from "./metrics/outbox.ts";
import type { EnvironmentSeries, Resolution } from "./metrics/series.ts";
import type { OpenSecrets } from "./secrets.ts";
import type { Log } from "./log.ts";
import type { Admitted, Doorkeeper, Knock } from "./door/doorkeeper.ts";
import { noToken } from "./door/request.ts";
import type { SourceStore, StoredSource } from "./sources/sources.ts";
import type { ControlPlane, HostedProject, InboxRow } from "./controlPlane.ts";
import { vProjectSpec } from "./projectSpecSchema.ts";

/** Milliseconds that the control plane has to answer. */
const DEADLINE_MS = 10_000;
const PAGE_SIZE = 100;
const CODE_PAGE_SIZE = 500;

export type Registration = {
  name: string;
  instanceId: string;
  version: string;
  engineVersion: string;
  cpus: number;
  memoryBytes: number;
  stacks: string[];
  /** Where this machine reaches the worker's door. */
  doorUrl?: string;
};

const vKind = z.enum(ENVIRONMENT_KINDS);
const vInbox = z.array(z.object({ projectId: z.string(), kind: vKind, generation: z.number() }));
const vHosted = z.object({
  projectId: z.string(),
  namespace: z.string().regex(NAMESPACE),
  status: z.enum(STATUSES),
  group: z.string().regex(GROUP_NAMESPACE).nullish(),
});
const vWatched = z.array(z.object({ projectId: z.string(), until: z.number() }));
const vPools = z.array(z.cidrv4());
const vCodeFiles = z.array(z.object({ path: z.string(), hash: z.string() }));

const vStoredSource = z.union([
  z.object({ state: z.literal("ready"), url: z.url(), sha256: z.string(), bytes: z.number() }),
  z.object({ state: z.enum(["waiting", "used"]) }),
]);

const vErrorData = z.looseObject({ code: z.string(), message: z.string(), hint: z.string().optional() });

/** A Convex deployment, spoken to with Convex's own client: it reconnects for ever by itself. */
export class ConvexControlPlane
  implements
    ControlPlane,
    CertificateStore,
    CodeStore,
    LogStore,
    MetricsStore,
    HostStore,
    SourceStore,
    Doorkeeper
{
  private readonly client: ConvexClient;
  private lease: { hostId: Id<"hosts">; epoch: number } | null = null;
  private name: string | null = null;

  /**
   * @param tokenFile holds a JWT of the role `worker`; read anew whenever the client wants one
   * @param openSecrets puts a project's secrets among its variables
   */
  constructor(
    private readonly url: string,
    private readonly tokenFile: string,
    private readonly openSecrets: OpenSecrets,
    log: Log,
  ) {
    this.client = new ConvexClient(url, { logger: clientLogger(log) });
    this.client.setAuth(async () => await this.ownToken());
  }

  /** Takes the host: whoever had it before is fenced off. @returns for how long without a heartbeat, in ms */
  async register(registration: Registration): Promise<{ epoch: number; leaseMs: number }> {
    const { hostId, epoch, leaseMs } = await this.write(
      "register this host",
      api.worker.register,
      registration,
    );
    this.lease = { hostId, epoch };
    this.name = registration.name;
    return { epoch, leaseMs };
  }

  watchInbox(onRows: (rows: InboxRow[]) => void, onError: (error: unknown) => void): () => void {
    const { hostId } = this.held();
    return this.client.onUpdate(
      api.worker.inbox,
      { hostId },
      (rows) => {
        const parsed = vInbox.safeParse(rows);
        if (parsed.success) onRows(parsed.data);
        else onError(parsed.error);
      },
      onError,
    );
  }

  async project(projectId: string): Promise<ProjectSpec | null> {
    const found = await bounded("read a project", () =>
      this.client.query(api.worker.project, { ...this.held(), projectId }),
    );
    const spec = vProjectSpec.nullable().parse(found);
    return spec && (await this.openSecrets(spec));
  }

  async source(projectId: string): Promise<StoredSource> {
    const { hostId } = this.held();
    const found = await bounded("say where a project's source is", () =>
      this.client.query(api.worker.source, { hostId, projectId }),
    );
    return vStoredSource.parse(found);
  }

  /** Asks with the token of whoever knocks at the door, not with the worker's own. */
  async authorize(token: string, knock: Knock): Promise<Admitted> {
    const found = await this.asking(token, (asker) => asker.mutation(api.workspace.authorize, knock));
    if (found.hostId !== this.held().hostId) throw livesElsewhere(found.slug);
    return found;
  }

  async admitReader(token: string, project: string): Promise<Admitted> {
    const found = await this.asking(token, (asker) => asker.query(api.projects.getProject, { project }));
    if (!found) {
      const message = `There is no project "${project.slice(0, 100)}".`;
      throw new SlipwayError({
        code: "not_found",
        message,
        hint: "slipway project list shows the projects.",
      });
    }
    const { projectId, namespace, slug, host } = found;
    if (host !== this.name) throw livesElsewhere(slug);
    return { projectId, namespace, slug };
  }

  async admitAdmin(token: string): Promise<void> {
    const who = await this.asking(token, (asker) => asker.query(api.tokens.whoAmI, {}));
    if (!who) throw noToken();
    if (who.role === "admin" && who.project === null) return;
    throw new SlipwayError({
      code: "forbidden",
      message: `A token of the role ${who.role}${who.project ? " for one project" : ""} may not do this.`,
      hint: "slipway token create makes one of the role admin.",
      allowed: ["admin"],
    });
  }

  /** Asks with somebody else's token. @throws SlipwayError `unauthenticated` where it is none */
  private async asking<T>(token: string, ask: (asker: ConvexHttpClient) => Promise<T>): Promise<T> {
    const asker = new ConvexHttpClient(this.url, { auth: token, logger: false, fetch: withinDeadline });
    return await bounded("judge a token", () =>
      ask(asker).catch((error: unknown) => {
        throw isNoToken(error) ? noToken() : error;
      }),
    );
  }

  async projects(): Promise<HostedProject[]> {
    const { hostId } = this.held();
    const found = await allPages("list this host's projects", (paginationOpts) =>
      this.client.query(api.worker.projects, { hostId, paginationOpts }),
    );
    return z.array(vHosted).parse(found);
  }

  async groups(): Promise<string[]> {
    const { hostId } = this.held();
    const found = await allPages("list this host's groups", (paginationOpts) =>
      this.client.query(api.worker.groups, { hostId, paginationOpts }),
    );
    return z.array(z.string().regex(GROUP_NAMESPACE)).parse(found);
  }

  async report(...[projectId, environments]: Parameters<ControlPlane["report"]>): Promise<void> {
    await this.write("take a report", api.worker.report, { ...this.held(), projectId, environments });
  }

  async confirmDeleted(projectId: string): Promise<void> {
    await this.write("take that a project is gone", api.worker.confirmDeleted, { ...this.held(), projectId });
  }

  async reportSnapshot(...[projectId, releaseId, taken]: Parameters<ControlPlane["reportSnapshot"]>) {
    await this.write("take a release's snapshot", api.worker.reportSnapshot, {
      ...this.held(),
      projectId,
      releaseId,
      ...taken,
    });
  }

  async reportTest(...[projectId, releaseId, result]: Parameters<ControlPlane["reportTest"]>) {
    await this.write("take a release's test result", api.worker.reportTest, {
      ...this.held(),
      projectId,
      releaseId,
      result,
    });
  }

  async reportDeploy(...[projectId, report]: Parameters<ControlPlane["reportDeploy"]>): Promise<void> {
    await this.write("take the end of a rollout", api.worker.reportDeploy, {
      ...this.held(),
      projectId,
      ...report,
    });
  }

  async reallocateSubnet(...[projectId, taken]: Parameters<ControlPlane["reallocateSubnet"]>): Promise<void> {
    await this.write("give another subnet", api.worker.reallocateSubnet, {
      ...this.held(),
      projectId,
      ...taken,
    });
  }

  async reallocatePort(...[projectId, taken]: Parameters<ControlPlane["reallocatePort"]>): Promise<void> {
    await this.write("give another port", api.worker.reallocatePort, { ...this.held(), projectId, ...taken });
  }

  async codeFiles(projectId: string): Promise<Map<string, string>> {
    const indexed = new Map<string, string>();
    let cursor: string | null = null;
    do {
      const paginationOpts = { numItems: CODE_PAGE_SIZE, cursor };
      const { hostId } = this.held();
      const found: { page: unknown; isDone: boolean; continueCursor: string } = await bounded(
        "list what is indexed",
        () => this.client.query(api.worker.codeFiles, { hostId, projectId, paginationOpts }),
      );
      for (const { path, hash } of vCodeFiles.parse(found.page)) indexed.set(path, hash);
      cursor = found.isDone ? null : found.continueCursor;
    } while (cursor !== null);
    return indexed;
  }

  async indexCode(projectId: string, { path, hash, chunks }: SourceFile): Promise<void> {
    await this.write("index a file", api.worker.indexCode, { ...this.held(), projectId, path, hash, chunks });
  }

  async forgetCode(projectId: string, paths: string[]): Promise<void> {
    await this.write("forget files", api.worker.forgetCode, { ...this.held(), projectId, paths });
  }

  async appendLogs(projectId: string, kind: EnvironmentKind, lines: KeptLine[]): Promise<void> {
    await this.write("keep log lines", api.worker.appendLogs, { ...this.held(), projectId, kind, lines });
  }

  watchWatched(onRows: (rows: WatchedRow[]) => void, onError: (error: unknown) => void): () => void {
    const { hostId } = this.held();
    return this.client.onUpdate(
      api.worker.watched,
      { hostId },
      (rows) => {
        const parsed = vWatched.safeParse(rows);
        if (parsed.success) onRows(parsed.data);
        else onError(parsed.error);
      },
      onError,
    );
  }

  /** Follows the pools that subnets come from, IPv4 in CIDR form. */
  watchSubnetPools(onPools: (pools: string[]) => void, onError: (error: unknown) => void): () => void {
    const { hostId } = this.held();
    return this.client.onUpdate(
      api.worker.subnetPools,
      { hostId },
      (pools) => {
        const parsed = vPools.safeParse(pools);
        if (parsed.success) onPools(parsed.data);
        else onError(parsed.error);
      },
      onError,
    );
  }

  async appendMetrics(resolution: Resolution, environments: EnvironmentSeries[]): Promise<void> {
    await this.beside("take what was measured", (http) =>
      http.mutation(api.worker.appendMetrics, { ...this.held(), resolution, environments }),
    );
  }

  async reportHost(report: HostReport): Promise<void> {
    await this.beside("take what is known of this host", (http) =>
      http.mutation(api.worker.reportHost, wellFormed({ ...this.held(), ...report })),
    );
  }

  async reportCertificates(projectId: string, certificates: CertificateState[]): Promise<void> {
    await this.beside("take how certificates stand", (http) =>
      http.mutation(api.worker.reportCertificates, wellFormed({ ...this.held(), projectId, certificates })),
    );
  }

  /** Convex keeps texts as UTF-8, which has no half of a surrogate pair: what programs wrote may have one. */
  private async write<M extends FunctionReference<"mutation">>(
    what: string,
    mutation: M,
    args: FunctionArgs<M>,
  ): Promise<FunctionReturnType<M>> {
    return await bounded(what, () => this.client.mutation(mutation, wellFormed(args)));
  }

  /**
   * Says something that may be lost, by requests of its own: on the connection each write waits for the one before, and one
   * that was given up is said all the same once the connection is back.
   */
  private async beside(what: string, say: (http: ConvexHttpClient) => Promise<unknown>): Promise<void> {
    const auth = await this.ownToken();
    const http = new ConvexHttpClient(this.url, { auth, logger: false, fetch: withinDeadline });
    await bounded(what, () => say(http));
  }

  private async ownToken(): Promise<string> {
    return (await readFile(this.tokenFile, "utf8")).trim();
  }

  /** @param problems what is wrong with the host itself, as sentences */
  async heartbeat(problems: string[] = []): Promise<void> {
    await this.write("take a heartbeat", api.worker.heartbeat, { ...this.held(), problems });
  }

  async unregister(): Promise<void> {
    await this.write("take the host back", api.worker.unregister, this.held());
  }

  async close(): Promise<void> {
    await this.client.close();
  }

  private held(): { hostId: Id<"hosts">; epoch: number } {
    if (this.lease) return this.lease;
    throw new Error("The worker speaks before it has registered.");
  }
}

/** All rows of a listing, each page within the deadline. */
async function allPages<T>(
  what: string,
  page: (paginationOpts: PaginationOptions) => Promise<PaginationResult<T>>,
): Promise<T[]> {
  const all: T[] = [];
  let cursor: string | null = null;
  do {
    const got: PaginationResult<T> = await bounded(what, () => page({ numItems: PAGE_SIZE, cursor }));
    all.push(...got.page);
    cursor = got.isDone ? null : got.continueCursor;
  } while (cursor !== null);
  return all;
}

/** What the client itself has to say (it reconnects, a function failed) goes where everything goes. */
function clientLogger(log: Log) {
  const say =
    (level: string) =>
    (...parts: unknown[]) =>
      log("convex-client", { level, message: parts.map(String).join(" ").slice(0, 1000) });
  return { log: say("info"), warn: say("warning"), error: say("error"), logVerbose: () => {} };
}

/** Another worker has taken this host over: nothing that this one writes counts any more. */
export function isFenced(error: unknown): boolean {
  return error instanceof SlipwayError && error.data.code === "stale_epoch";
}

function livesElsewhere(slug: string): SlipwayError {
  return new SlipwayError({
    code: "not_found",
    message: `${slug} does not live on this host.`,
    hint: "Ask again where its host's door is: slipway project show says where it lives.",
  });
}

/** A deployment answers so, before any function runs, to what is no token of its issuer's or has ended. */
function isNoToken(error: unknown): boolean {
  return (
    error instanceof Error && /InvalidAuthHeader|Unauthenticated|NoAuthProvider|AuthInfo/.test(error.message)
  );
}

/** Ends the request itself, where {@link bounded} only stops waiting for it. */
const withinDeadline: typeof fetch = (input, init) =>
  fetch(input, { ...init, signal: AbortSignal.timeout(DEADLINE_MS) });

async function bounded<T>(what: string, call: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new SlipwayError({
            code: "deadline",
            message: `The control plane did not ${what} within ${DEADLINE_MS / 1000} s.`,
            hint: "Check that it runs: slipway status. The worker keeps trying; containers keep running.",
          }),
        ),
      DEADLINE_MS,
    );
  });
  try {
    return await Promise.race([call(), expired]);
  } catch (error) {
    throw expectedError(error);
  } finally {
    clearTimeout(timer);
  }
}

function expectedError(error: unknown): unknown {
  if (!(error instanceof ConvexError)) return error;
  const parsed = vErrorData.safeParse(error.data);
  return parsed.success ? new SlipwayError(parsed.data as ErrorData, { cause: error }) : error;
}
