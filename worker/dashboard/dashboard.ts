import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { isForeign } from "../door/request.ts";
import type { Log } from "../log.ts";
import { asRefusal, isNews, Refusal, sendFile, sendRefusal } from "./answer.ts";
import { BackendProxy, refuse } from "./backendProxy.ts";
import { Builds } from "./builds.ts";
import { NO_PAGE, securityHeaders } from "./headers.ts";
import { listenAt, type Owner } from "./socketFile.ts";

/** What a page has to know of the instance that it looks at; `/slipway.json`. */
export type DashboardFacts = {
  baseDomain: string;
  httpPort: number;
  httpsPort: number | null;
  /** The name of this worker's host. */
  host: string;
  version: string;
};

/** Who answers below `/door/`. */
export type DoorHandler = {
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
};

export type DashboardOptions = {
  /** Where it listens; the gateway's side of it is docker/nginx/dashboard.conf. */
  socketPath: string;
  /** Who may connect, besides root. */
  owner: Owner;
  /** The folder that the dashboard is built into. */
  folder: string;
  /** The backend's; one on loopback is passed on to, any other is the browser's to reach. */
  convexUrl: string;
  facts: DashboardFacts;
  door: DoorHandler;
  log: Log;
};

export type Dashboard = { close(): Promise<void> };

const MOST_CONNECTIONS = 2048;
const HEADERS_MS = 10_000;
const NOT_BUILT_RETRY_S = 10;

/**
 * Serves the dashboard to the gateway: its files, what it must know, the worker's door, and a backend on loopback; all
 * of it one origin to a browser.
 * @throws SlipwayError `setup` where it cannot listen
 */
export async function openDashboard(options: DashboardOptions): Promise<Dashboard> {
  const server = new DashboardServer(options);
  return await server.open();
}

class DashboardServer {
  private readonly server: Server;
  private readonly builds: Builds;
  private readonly backend: BackendProxy | null;
  /** Null where the page's own origin leads to it. */
  private readonly convexUrl: string | null;

  constructor(private readonly options: DashboardOptions) {
    const { convexUrl, folder, log } = options;
    const isHere = isLoopback(convexUrl);
    this.convexUrl = isHere ? null : convexUrl;
    this.backend = isHere ? new BackendProxy(convexUrl) : null;
    this.builds = new Builds(folder, log);
    // Commands' input and uploads through the door take as long as they like; whoever answers has bounds of its own.
    this.server = createServer({ requestTimeout: 0, headersTimeout: HEADERS_MS });
    this.server.maxConnections = MOST_CONNECTIONS;
    this.server.on("request", (request, response) => void this.answer(request, response));
    this.server.on("upgrade", (request, socket, head) => void this.upgrade(request, socket, head));
  }

  async open(): Promise<Dashboard> {
    const { socketPath, owner } = this.options;
    const removeSocket = await listenAt(this.server, socketPath, owner);
    return {
      close: async () => {
        await removeSocket();
        const closed = new Promise((resolve) => this.server.close(resolve));
        this.backend?.close();
        this.server.closeAllConnections();
        await closed;
      },
    };
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.dispatch(request, response);
    } catch (error) {
      if (isNews(error)) this.options.log("dashboard-failed", { error });
      sendRefusal(request, response, asRefusal(error));
    }
  }

  private async dispatch(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "/").split("?", 1)[0]!;
    if (path.startsWith("/api/")) {
      if (isForeign(request)) throw foreign();
      if (this.backend === null) throw notFound(path);
      return await this.backend.answer(request, response);
    }
    if (path.startsWith("/door/")) {
      request.url = request.url!.slice("/door".length);
      for (const [name, value] of Object.entries(NO_PAGE)) response.setHeader(name, value);
      return await this.options.door.answer(request, response);
    }
    if (request.method !== "GET" && request.method !== "HEAD") throw notAllowed(request.method ?? "");
    if (path === "/slipway.json") return this.sendFacts(request, response);
    return await this.sendPage(path, request, response);
  }

  private sendFacts(request: IncomingMessage, response: ServerResponse): void {
    const text = JSON.stringify({ convexUrl: this.convexUrl, ...this.options.facts });
    response.writeHead(200, {
      ...this.headers(request),
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
      "cache-control": "no-store",
    });
    response.end(request.method === "HEAD" ? undefined : text);
  }

  private async sendPage(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const file = isPage(path) ? await this.builds.page() : await this.builds.file(path);
    if (file === null) throw isPage(path) ? notBuilt() : notFound(path);
    sendFile(request, response, file, this.headers(request));
  }

  private headers({ headers }: IncomingMessage) {
    return securityHeaders({
      host: headers.host ?? "",
      isHttps: headers["x-forwarded-proto"] === "https",
      convexUrl: this.convexUrl,
    });
  }

  private async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on("error", () => socket.destroy());
    const path = request.url ?? "/";
    if (isForeign(request)) return refuse(socket, foreign());
    if (path.startsWith("/api/") && this.backend) return this.backend.upgrade(request, socket, head);
    if (!path.startsWith("/door/")) return refuse(socket, notFound(path));
    request.url = path.slice("/door".length);
    await this.options.door.upgrade(request, socket, head);
  }
}

/** An address of the dashboard's own pages: all that is no file. */
function isPage(path: string): boolean {
  if (path.startsWith("/.") || path.startsWith("/assets/")) return false;
  return path === "/index.html" || !path.slice(path.lastIndexOf("/") + 1).includes(".");
}

/** Whether `url` leads to this machine itself, and so nowhere from a browser on another one. */
export function isLoopback(url: string): boolean {
  const { hostname, protocol } = new URL(url);
  return protocol === "http:" && /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}

function foreign(): Refusal {
  return new Refusal(403, {
    code: "forbidden",
    message: "The dashboard's server does not speak to pages of another origin.",
  });
}

function notFound(path: string): Refusal {
  return new Refusal(404, { code: "not_found", message: `There is nothing at ${path.slice(0, 100)}.` });
}

function notAllowed(method: string): Refusal {
  return new Refusal(405, {
    code: "bad_request",
    message: `${method.slice(0, 20)} is not for the dashboard's pages.`,
    allowed: ["GET", "HEAD"],
  });
}

function notBuilt(): Refusal {
  const data = {
    code: "setup",
    message: "The dashboard is not built.",
    hint: "npm start builds it and says why where it cannot; `npm run dashboard:build` does it now.",
  } as const;
  return new Refusal(503, data, { retryAfterS: NOT_BUILT_RETRY_S });
}
