import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { rm } from "node:fs/promises";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import { SlipwayError } from "../../core/errors.ts";
import { LABELS } from "../../core/labels.ts";
import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { Clock } from "../clock.ts";
import type { Engine } from "../engine/engine.ts";
import type { ExecEngine } from "../engine/execEngine.ts";
import type { Log } from "../log.ts";
import { filledVolumes } from "../filling/marks.ts";
import { Commands } from "./commands.ts";
import type { Admitted, Doorkeeper } from "./doorkeeper.ts";
import { handleExec } from "./execRoute.ts";
import { hostRoute, type HostDesk } from "./hostRoutes.ts";
import { FileContainers } from "./fileContainers.ts";
import { FILE_ROUTES } from "./fileRoutes.ts";
import { WorkspaceFiles } from "./files.ts";
import {
  errorData,
  isForeign,
  isSurprise,
  noToken,
  sendError,
  targetOf,
  tokenOf,
  type Target,
} from "./request.ts";
import { handleTerminal } from "./terminal.ts";

export type DoorOptions = {
  engine: Engine;
  exec: ExecEngine;
  doorkeeper: Doorkeeper;
  /** Null while the worker starts. */
  desk: () => HostDesk | null;
  instanceId: string;
  /** Told of a project whose files somebody is let in to change, by hand or by a command, and when they have ended. */
  touched?: (projectId: string) => void;
  /** What is on its way in is kept below it. */
  dataDir: string;
  clock: Clock;
  log: Log;
  /** 0 takes a free one. */
  port?: number;
};

export type Door = {
  url: string;
  /** Answers a request that came another way than through its own port: from the dashboard, which is of one origin with it. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
  close(): Promise<void>;
};

/** Requests and terminals at once, in all and for one project: one project's agents must not shut the others out. */
const AT_ONCE = { all: 128, project: 24 };
/** ms without a byte after which a request is given up; commands and terminals may be silent for longer. */
const SILENCE_MS = 60_000;
const MOST_MESSAGE_BYTES = 1024 * 1024;

/** Opens the worker's door on loopback: files, commands and terminals for whoever Convex lets in. */
export async function openDoor(options: DoorOptions): Promise<Door> {
  const { engine, exec, instanceId, clock, dataDir, log } = options;
  const spool = join(dataDir, "sources", "door");
  await rm(spool, { recursive: true, force: true });
  const containers = new FileContainers(engine, instanceId, clock);
  void containers.sweep().catch((error: unknown) => log("files-not-swept", { error }));
  const commands = new Commands(engine, exec, instanceId, clock);
  const door = new DoorServer(options, containers, commands, spool);
  const port = await door.listen(options.port ?? 0);
  return {
    url: `http://127.0.0.1:${port}`,
    answer: (request, response) => door.keep(door.answer(request, response)),
    upgrade: (request, socket, head) => door.keep(door.upgrade(request, socket, head)),
    async close() {
      await door.close();
      await containers.close();
    },
  };
}

class DoorServer {
  private readonly server: Server;
  private readonly sockets = new WebSocketServer({ noServer: true, maxPayload: MOST_MESSAGE_BYTES });
  private readonly visits = new Map<string, number>();
  private readonly going = new Set<Promise<void>>();

  constructor(
    private readonly options: DoorOptions,
    private readonly containers: FileContainers,
    private readonly commands: Commands,
    private readonly spool: string,
  ) {
    // A command's input may take as long as it likes; what is silent is ended below.
    this.server = createServer({ requestTimeout: 0, headersTimeout: 10_000 });
    this.server.on("request", (request, response) => void this.keep(this.answer(request, response)));
    this.server.on("upgrade", (request, socket, head) => void this.keep(this.upgrade(request, socket, head)));
  }

  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(port, "127.0.0.1", resolve);
    });
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.server.close();
    for (const client of this.sockets.clients) client.terminate();
    this.server.closeAllConnections();
    await Promise.all(this.going);
  }

  async keep(work: Promise<void>): Promise<void> {
    const going = work.finally(() => this.going.delete(going));
    this.going.add(going);
    await going;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader("cache-control", "no-store");
    response.setHeader("x-content-type-options", "nosniff");
    try {
      const { project, answer } = this.routeOf(request);
      if (isForeign(request)) throw foreign();
      const token = tokenOf(request);
      if (token === null) throw noToken();
      await this.within(project, () => answer(token, response));
    } catch (error) {
      if (isSurprise(error)) this.options.log("door-failed", { error });
      sendError(response, error);
    }
  }

  private routeOf(request: IncomingMessage): NonNullable<ReturnType<typeof hostRoute>> {
    const ofHost = hostRoute(request, this.options.doorkeeper, this.options.desk);
    if (ofHost) return ofHost;
    const target = targetOf(request.url);
    const answer = (token: string, response: ServerResponse) =>
      this.dispatch(target, token, request, response);
    return { project: target.project, answer };
  }

  private async dispatch(
    target: Target,
    token: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { project, environment, route } = target;
    if (route === "exec" && request.method === "POST") {
      // It may be silent for as long as its command is.
      request.setTimeout(0);
      await this.lettingIn(async (authorize) => {
        const admit = (detail: string) => authorize(token, { project, environment, verb: "exec", detail });
        await handleExec(this.commands, target, admit, request, response);
      });
      return;
    }
    const known = FILE_ROUTES[`${request.method} ${route}`];
    if (!known) throw noMethod(request.method ?? "", route);
    request.setTimeout(SILENCE_MS, () => request.destroy());
    const { verb } = known;
    const detail = known.detail(target);
    await this.lettingIn(async (authorize) => {
      const admitted = await authorize(token, {
        ...{ project, environment, verb },
        ...(detail === "" ? {} : { detail }),
      });
      const volume = await this.workspaceOf(admitted, environment);
      const files = new WorkspaceFiles(this.options.exec, this.containers, volume, this.spool);
      await known.handle(files, target, request, response);
    });
  }

  /** Says whose files may change, as soon as somebody is let in to do so and once `work` is done: it may go on for hours. */
  private async lettingIn(work: (authorize: Doorkeeper["authorize"]) => Promise<void>): Promise<void> {
    const { doorkeeper, touched = () => {} } = this.options;
    const changing = new Set<string>();
    try {
      await work(async (token, knock) => {
        const admitted = await doorkeeper.authorize(token, knock);
        if (knock.verb !== "files.read") {
          changing.add(admitted.projectId);
          touched(admitted.projectId);
        }
        return admitted;
      });
    } finally {
      for (const projectId of changing) touched(projectId);
    }
  }

  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on("error", () => socket.destroy());
    try {
      const target = targetOf(request.url);
      if (target.route !== "terminal") throw noMethod("upgrade", target.route);
      if (isForeign(request)) throw foreign();
      const { project, environment } = target;
      await this.within(project, async () => {
        const client = await new Promise<WebSocket>((resolve) => {
          this.sockets.handleUpgrade(request, socket, head, resolve);
        });
        client.on("error", () => client.terminate());
        await this.lettingIn(async (authorize) => {
          const admit = (token: string, detail: string) =>
            authorize(token, { project, environment, verb: "exec", detail });
          await handleTerminal(this.commands, target, admit, tokenOf(request), client);
        });
      });
    } catch (error) {
      if (isSurprise(error)) this.options.log("door-failed", { error });
      const text = JSON.stringify({ error: errorData(error) });
      const head = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close`;
      if (!socket.destroyed) socket.end(`HTTP/1.1 400 Bad Request\r\n${head}\r\n\r\n${text}`);
    }
  }

  private async within(project: string, work: () => Promise<void>): Promise<void> {
    const all = [...this.visits.values()].reduce((sum, count) => sum + count, 0);
    const here = this.visits.get(project) ?? 0;
    if (all >= AT_ONCE.all || here >= AT_ONCE.project) {
      throw new SlipwayError({
        code: "too_much",
        message: `There are ${here >= AT_ONCE.project ? here : all} requests at once already.`,
        hint: "End some, or wait for them.",
      });
    }
    this.visits.set(project, here + 1);
    try {
      await work();
    } finally {
      const left = (this.visits.get(project) ?? 1) - 1;
      if (left === 0) this.visits.delete(project);
      else this.visits.set(project, left);
    }
  }

  /** The volume that an environment's services have at /workspace; of several releases' the newest one. */
  private async workspaceOf({ namespace, slug }: Admitted, kind: EnvironmentKind): Promise<string> {
    const { engine, instanceId } = this.options;
    const all = await engine.listVolumes({ instanceId, namespace });
    const counting = filledVolumes({ volumes: all });
    const found = all
      .filter((volume) => volume.labels[LABELS.environment] === kind)
      .filter(({ name, labels }) => /_workspace(_[A-Za-z0-9]+)?$/.test(name) && !labels[LABELS.role])
      .filter(({ name }) => counting.has(name))
      .sort(
        (one, other) => Number(other.labels[LABELS.release] ?? 0) - Number(one.labels[LABELS.release] ?? 0),
      )[0];
    if (found) return found.name;
    throw new SlipwayError({
      code: "not_found",
      message: `${slug} ${kind} has no files: it was not started yet, or runs images of its own alone.`,
      hint: "slipway project show says how far it is.",
    });
  }
}

function noMethod(method: string, route: string): SlipwayError {
  return new SlipwayError({
    code: "bad_request",
    message: `The door knows no ${method.slice(0, 20)} of ${route}.`,
    hint: "worker/door/README.md lists what there is.",
    allowed: [
      ...Object.keys(FILE_ROUTES),
      "POST exec",
      "GET terminal (WebSocket)",
      "GET plan",
      "POST /v1/doctor",
    ],
  });
}

function foreign(): SlipwayError {
  return new SlipwayError({
    code: "forbidden",
    message: "The door does not speak to pages of another origin.",
    hint: "Serve the page from the door's own origin.",
  });
}
