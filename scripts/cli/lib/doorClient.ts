import {
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from "node:http";
import type { Readable } from "node:stream";
import { json as readJson } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import * as z from "zod";
import { api } from "../../../convex/_generated/api.js";
import { SlipwayError, type ErrorData } from "../../../core/errors.ts";
import type { EnvironmentKind } from "../../../core/lifecycle.ts";
import type { Session } from "./session.ts";

/** The worker's door (worker/door/README.md), as the commands here knock at it: with an admin's token. */

const SILENCE_MS = 120_000;

const vError = z.looseObject({ error: z.looseObject({ code: z.string(), message: z.string() }) });
const vEntry = z.object({
  path: z.string(),
  kind: z.enum(["file", "folder", "link", "other"]),
  bytes: z.number(),
  mode: z.number(),
  modifiedMs: z.number(),
  target: z.string().optional(),
});
const vFolder = z.object({ kind: z.literal("folder"), entries: z.array(vEntry) });
const vHashes = z.object({ hashes: z.array(z.string().nullable()) });
const vWritten = z.object({ bytes: z.number() });

export type RemoteEntry = z.output<typeof vEntry>;

export type RemoteFound =
  { kind: "folder"; entries: RemoteEntry[] } | { kind: "file"; mode: number; content: Readable };

type Send = { method: string; query?: Record<string, string>; headers?: OutgoingHttpHeaders };

export class DoorClient {
  private constructor(
    readonly slug: string,
    private readonly base: string,
    readonly token: () => Promise<string>,
  ) {}

  /** @throws SlipwayError where there is no such project, or its host has no door that answers */
  static async open(session: Session, project: string, kind: EnvironmentKind): Promise<DoorClient> {
    const { slug, namespace, host, hostState, url } = await session.http.query(api.workspace.door, {
      project,
    });
    if (host === null || url === null || hostState !== "live") {
      throw new SlipwayError({
        code: "not_found",
        message:
          host === null
            ? `${slug} lives on no host yet: it has no files.`
            : `${slug}'s host ${host} has no worker that could be asked.`,
        hint:
          host === null
            ? `Start it: slipway transition ${slug} development`
            : "slipway status shows the hosts.",
      });
    }
    return new DoorClient(slug, `${url}/v1/projects/${namespace}/${kind}`, session.token);
  }

  async list(path: string, all = false): Promise<RemoteEntry[]> {
    const found = await this.look(path, all);
    if (found.kind === "folder") return found.entries;
    found.content.destroy();
    throw new SlipwayError({ code: "bad_request", message: `${path} is a file.`, hint: "Name a folder." });
  }

  async look(path: string, all = false): Promise<RemoteFound> {
    const answer = await this.send("files", {
      method: "GET",
      query: { path, ...(all && { recursive: "1" }) },
    });
    const mode = answer.headers["x-slipway-mode"];
    if (typeof mode === "string") return { kind: "file", mode: parseInt(mode, 8), content: answer };
    return vFolder.parse(await readJson(answer));
  }

  async hashes(paths: string[]): Promise<(string | null)[]> {
    return vHashes.parse(await readJson(await this.post("hashes", { paths }))).hashes;
  }

  async remove(paths: string[]): Promise<void> {
    (await this.post("delete", { paths })).resume();
  }

  async write(path: string, content: Readable, mode: number | null): Promise<number> {
    const query = { path, ...(mode !== null && { mode: mode.toString(8) }) };
    return vWritten.parse(await readJson(await this.send("files", { method: "PUT", query }, content))).bytes;
  }

  async unpack(path: string, tar: Readable): Promise<void> {
    (await this.send("archive", { method: "POST", query: { path } }, tar)).resume();
  }

  async pack(path: string): Promise<Readable> {
    return await this.send("archive", { method: "GET", query: { path } });
  }

  /** A request whose body goes on while the answer comes. */
  async exec(): Promise<{ request: ClientRequest; answer: Promise<IncomingMessage> }> {
    const request = await this.begin("exec", { method: "POST" });
    return { request, answer: answerOf(request, this.slug) };
  }

  terminalUrl(): string {
    return `${this.base.replace(/^http/, "ws")}/terminal`;
  }

  private async post(route: string, body: unknown): Promise<IncomingMessage> {
    const request = await this.begin(route, {
      method: "POST",
      headers: { "content-type": "application/json" },
    });
    request.setTimeout(SILENCE_MS, () => request.destroy(silent()));
    request.end(JSON.stringify(body));
    return await answerOf(request, this.slug);
  }

  private async send(route: string, send: Send, body?: Readable): Promise<IncomingMessage> {
    const request = await this.begin(route, send);
    request.setTimeout(SILENCE_MS, () => request.destroy(silent()));
    const answer = answerOf(request, this.slug);
    if (!body) request.end();
    else {
      // A refusal may come before all is sent: it is what the caller has to hear of.
      const sent = pipeline(body, request).then(
        () => null,
        (error: unknown) => error,
      );
      const first = await Promise.race([sent, answer.then(() => null)]);
      if (first !== null) return await Promise.race([answer, Promise.reject<never>(body.errored ?? first)]);
    }
    return await answer;
  }

  private async begin(route: string, { method, query = {}, headers = {} }: Send): Promise<ClientRequest> {
    const search = new URLSearchParams(query).toString();
    return httpRequest(`${this.base}/${route}${search && `?${search}`}`, {
      method,
      headers: { ...headers, authorization: `Bearer ${await this.token()}` },
    });
  }
}

async function answerOf(request: ClientRequest, slug: string): Promise<IncomingMessage> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once("response", resolve);
    request.once("error", (error: NodeJS.ErrnoException) => {
      reject(error instanceof SlipwayError ? error : noAnswer(slug, error));
    });
  });
  // What goes wrong once the answer has begun is told by its stream.
  request.on("error", () => {});
  if ((answer.statusCode ?? 500) < 300) return answer;
  const parsed = vError.safeParse(await readJson(answer).catch(() => null));
  if (parsed.success) throw new SlipwayError(parsed.data.error as ErrorData);
  throw noAnswer(slug, new Error(`the answer was ${answer.statusCode}`));
}

function noAnswer(slug: string, cause: unknown): SlipwayError {
  return new SlipwayError(
    {
      code: "setup",
      message: `The worker of ${slug} does not answer at its door.`,
      hint: "Check that it runs on this machine: slipway status.",
    },
    { cause },
  );
}

function silent(): SlipwayError {
  return new SlipwayError({
    code: "deadline",
    message: `The worker's door was silent for ${SILENCE_MS / 1000} s.`,
    hint: "Run `slipway doctor` to see what is wrong.",
  });
}
