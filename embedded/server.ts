/** Starts the embedded backend: database, app, HTTP and WebSocket servers, scheduler. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { newAdminKey } from "./auth/adminKey.ts";
import { handleFileRequest, isFilePath } from "./files/fileHttp.ts";
import { FileStore } from "./files/fileStore.ts";
import { serveAdmin } from "./http/admin.ts";
import { serveDeploy } from "./http/deploy.ts";
import { serveFunctions } from "./http/functions.ts";
import { serveLogs } from "./http/logs.ts";
import { HttpError } from "./http/reply.ts";
import { listen, type Listening, type RequestHandler } from "./http/server.ts";
import { serveSite } from "./http/site.ts";
import { serveTestFunction } from "./http/testFunction.ts";
import { sendWebResponse, toWebRequest } from "./http/web.ts";
import { silentLogger, type Logger } from "./log.ts";
import { joinParts, openExtensions } from "./parts.ts";
import { applyApp, readSavedApp } from "./push/apply.ts";
import { DEFAULT_FUNCTIONS_DIR, type AppSource } from "./push/app.ts";
import { bundleApp } from "./push/bundle.ts";
import { Deployer } from "./push/deployer.ts";
import { loadApp } from "./push/load.ts";
import { Backend } from "./runtime/backend.ts";
import { openEnvironment } from "./runtime/environment.ts";
import type { Durability } from "./storage/format.ts";
import { openStore } from "./storage/store.ts";
import { startSync, type SyncServer } from "./sync/server.ts";
import { coreSystemQueries } from "./system/queries.ts";
import { joinTransfer, transferHandler } from "./transfer/join.ts";

export interface BackendOptions {
  /** The app's functions folder; null serves what was pushed last (`npx convex deploy`). */
  readonly dir: string | null;
  /** The database file, or `:memory:`. */
  readonly dbPath: string;
  /** 0 takes a free port. */
  readonly port?: number;
  /** The port of the app's HTTP actions; 0 takes a free one, null serves them under `/http` of `port` only. */
  readonly sitePort?: number | null;
  readonly host?: string;
  /** Made at random when it is not given. */
  readonly adminKey?: string;
  /** Environment variables to set at start, in addition to those in the database. */
  readonly env?: Readonly<Record<string, string>>;
  /** Environment variables that are kept in memory alone: neither the database nor any list has them. */
  readonly secretEnv?: Readonly<Record<string, string>>;
  /** Where stored files are kept; beside the database file when it is not given. */
  readonly filesDir?: string;
  /** What functions see as `CONVEX_CLOUD_URL` and `CONVEX_SITE_URL`, when clients use other addresses than ours. */
  readonly cloudOrigin?: string;
  readonly siteOrigin?: string;
  readonly durability?: Durability;
  /** How long a query's or mutation's own code may run, in milliseconds. */
  readonly userTimeoutMs?: number;
  /** How long a query or mutation may take in all, in milliseconds. */
  readonly wallTimeoutMs?: number;
  readonly actionTimeoutMs?: number;
  readonly log?: Logger;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export interface RunningBackend {
  readonly url: string;
  readonly siteUrl: string;
  readonly adminKey: string;
  readonly backend: Backend;
  /** Pushes the app in a folder anew. */
  push(dir: string): Promise<void>;
  close(): Promise<void>;
}

const EMPTY_APP: AppSource = {
  ...{ modules: [], schema: null, authConfig: null, definition: null, nodeRoot: null },
  functionsDir: DEFAULT_FUNCTIONS_DIR,
};
const INSTANCE = "convex-embedded";
/** Convex's tools only want a text here. */
const VERSION = "embedded-1";
const CLOSE_GRACE_MS = 5_000;
const DEFAULTS = { userTimeoutMs: 1_000, wallTimeoutMs: 5_000, actionTimeoutMs: 600_000 };

const formatHost = (host: string): string => (host.includes(":") ? `[${host}]` : host);

/**
 * Starts a backend and resolves when it answers.
 * @throws DatabaseRefusedError for the file, PushError for the app, or the error of a port that is taken.
 */
export async function startBackend(options: BackendOptions): Promise<RunningBackend> {
  const log = options.log ?? silentLogger;
  const now = options.now ?? Date.now;
  const host = options.host ?? "127.0.0.1";
  const limits = { ...DEFAULTS, ...definedOnly(options) };
  const store = openStore({
    path: options.dbPath,
    durability: options.durability ?? "full",
    extensions: openExtensions,
    now,
  });
  const folder = filesFolder(options);
  const opened: Listening[] = [];
  const closeAll = async (): Promise<void> => {
    await Promise.all(opened.map((each) => each.close()));
  };
  try {
    const adminKey = options.adminKey ?? newAdminKey(INSTANCE);
    // The app may want its own addresses while it loads, and port 0 gives them only now.
    const ready: { handlers: RequestHandler[]; site: RequestHandler | null; sync: SyncServer | null } = {
      handlers: [],
      site: null,
      sync: null,
    };
    const starting = (): never => {
      throw new HttpError(503, "Starting", "The backend is starting.");
    };
    const api = await listen({
      ...{ host, port: options.port ?? 0, log, preflight: true },
      handlers: [
        async (...given) => {
          if (ready.site === null) return starting();
          for (const handler of ready.handlers) if (await handler(...given)) return true;
          return false;
        },
      ],
    });
    opened.push(api);
    api.server.on("upgrade", (request, socket, head) => {
      if (ready.sync?.upgrade(request, socket, head) === true) return;
      socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
    });
    const url = options.cloudOrigin ?? `http://${formatHost(host)}:${api.port}`;
    let siteUrl = options.siteOrigin ?? `${url}/http`;
    if (options.sitePort !== null && options.sitePort !== undefined) {
      const site = await listen({
        ...{ host, port: options.sitePort, log, preflight: false },
        handlers: [(...given) => ready.site?.(...given) ?? starting()],
      });
      opened.push(site);
      siteUrl = options.siteOrigin ?? `http://${formatHost(host)}:${site.port}`;
    }

    const builtIn = { CONVEX_CLOUD_URL: url, CONVEX_SITE_URL: siteUrl };
    const running: { backend: Backend | null } = { backend: null };
    const environment = openEnvironment(
      store.driver,
      () => builtIn,
      () => {
        running.backend?.app.realms.discardAll();
        running.backend?.live.invalidateAll();
      },
      options.secretEnv,
    );
    const given = Object.entries(options.env ?? {}).map(([name, value]) => ({ name, value }));
    const secret = Object.entries(options.secretEnv ?? {}).map(([name, value]) => ({ name, value }));
    const invalid = environment.explainInvalid([...given, ...secret]);
    if (invalid !== null) throw new Error(invalid);
    if (given.length > 0) environment.update(given);

    const deployment = { name: INSTANCE, region: null, class: "s16" } as const;
    const loading = { env: () => environment.all(), deployment, wallTimeoutMs: limits.wallTimeoutMs };
    const source = options.dir === null ? (readSavedApp(store) ?? EMPTY_APP) : await bundleApp(options.dir);
    const app = await loadApp(source, loading);
    const backend = new Backend({ ...limits, store, app, log, now });
    running.backend = backend;
    const files = new FileStore({
      ...{ store, now, log, folder: folder.path, origin: () => url },
      write: (work) => backend.write(work),
      read: (work) => backend.read(work),
    });
    await files.recover();
    joinParts(backend, files);
    await backend.replaceApp(app, () => applyApp(store, app, now()));
    const deployer = new Deployer({ backend, environment, loading, log });
    const urls = { cloudUrl: url, siteUrl };
    backend.addSystemQueries(coreSystemQueries({ app: () => backend.app, environment, ...urls }));

    const transfer = await joinTransfer(backend, files, folder.path);
    const sync = startSync(backend, adminKey);
    const functions = { backend, adminKey };
    const admin = { backend, adminKey, deployer, instance: INSTANCE, version: VERSION };
    const deploy = { backend, adminKey, deployer, environment, loading, ...urls };
    ready.sync = sync;
    ready.handlers = [
      async (requested, request, response) => {
        if (!isFilePath(requested.pathname)) return false;
        const asked = toWebRequest(
          request,
          response,
          new URL(new URL(url).origin + requested.pathname + requested.search),
        );
        await sendWebResponse(response, await handleFileRequest(files, asked), request.method !== "HEAD");
        return true;
      },
      transferHandler(transfer, backend, adminKey),
      (requested, request, response) => serveAdmin(admin, requested, request, response),
      (requested, request, response) => serveDeploy(deploy, requested, request, response),
      (requested, request, response) => serveLogs(backend, adminKey, requested, request, response),
      (requested, request, response) =>
        serveTestFunction(backend, adminKey, loading, requested, request, response),
      (requested, request, response) => serveFunctions(functions, requested, request, response),
      async (requested, request, response) => {
        if (!requested.pathname.startsWith("/http/") && requested.pathname !== "/http") return false;
        const routed = (requested.pathname.slice("/http".length) || "/") + requested.search;
        await serveSite(backend, adminKey, siteUrl, routed, request, response);
        return true;
      },
    ];
    ready.site = async (requested, request, response) => {
      await serveSite(backend, adminKey, siteUrl, requested.pathname + requested.search, request, response);
      return true;
    };
    await backend.scheduler.start();
    log("info", "backend.ready", {
      url,
      siteUrl,
      functions: app.functions.all().length,
      driver: store.driver.name,
    });

    let closing: Promise<void> | null = null;
    const close = async (): Promise<void> => {
      sync.close();
      await closeAll();
      await transfer.stop();
      await files.settled();
      await backend.close(CLOSE_GRACE_MS);
      folder.remove();
      log("info", "backend.stopped");
    };
    const push = async (folder: string): Promise<void> => deployer.push(await bundleApp(folder));
    return { url, siteUrl, adminKey, backend, push, close: () => (closing ??= close()) };
  } catch (error) {
    await closeAll();
    store.close();
    folder.remove();
    throw error;
  }
}

/** Files are kept beside the database; those of a database in memory go with it. */
function filesFolder({ dbPath, filesDir }: BackendOptions): { path: string; remove(): void } {
  if (filesDir !== undefined) return { path: filesDir, remove: () => {} };
  if (dbPath !== ":memory:") return { path: `${dbPath}.files`, remove: () => {} };
  const made = mkdtempSync(path.join(tmpdir(), "convex-files-"));
  return { path: made, remove: () => rmSync(made, { recursive: true, force: true }) };
}

/** The time limits that were really given. */
function definedOnly(options: BackendOptions): Partial<typeof DEFAULTS> {
  const { userTimeoutMs, wallTimeoutMs, actionTimeoutMs } = options;
  const entries = Object.entries({ userTimeoutMs, wallTimeoutMs, actionTimeoutMs });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}
