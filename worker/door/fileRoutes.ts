import type { IncomingMessage, ServerResponse } from "node:http";
import * as z from "zod";
import { SlipwayError } from "../../core/errors.ts";
import type { Knock } from "./doorkeeper.ts";
import type { WorkspaceFiles } from "./files.ts";
import { readJson, sendJson, type Target } from "./request.ts";
import { drained } from "./runScript.ts";

type Handler = {
  verb: Knock["verb"];
  /** For the audit. */
  detail: (target: Target) => string;
  handle(
    files: WorkspaceFiles,
    target: Target,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void>;
};

const vPaths = z.strictObject({ paths: z.array(z.string()) });

const pathOf = ({ query }: Target) => query.get("path") ?? ".";
const shown = (text: string) => JSON.stringify(text.slice(0, 120));

/** What can be done with files, by method and route. */
export const FILE_ROUTES: Record<string, Handler> = {
  "GET files": {
    verb: "files.read",
    detail: () => "",
    async handle(files, target, _request, response) {
      await files.look(pathOf(target), target.query.get("recursive") === "1", async (found) => {
        if (found.kind === "folder")
          return sendJson(response, 200, { kind: "folder", entries: found.entries });
        const { bytes, mode, modifiedMs } = found.entry;
        response.writeHead(200, {
          "content-type": "application/octet-stream",
          "x-slipway-bytes": bytes,
          "x-slipway-mode": mode.toString(8),
          "last-modified": new Date(modifiedMs).toUTCString(),
        });
        await send(response, found.content);
      });
    },
  },
  "PUT files": {
    verb: "files.write",
    detail: (target) => shown(pathOf(target)),
    async handle(files, target, request, response) {
      sendJson(response, 200, await files.write(pathOf(target), request, modeOf(target)));
    },
  },
  "GET archive": {
    verb: "files.read",
    detail: () => "",
    async handle(files, target, _request, response) {
      await files.pack(pathOf(target), async (tar) => {
        const first = await tar[Symbol.asyncIterator]().next();
        response.writeHead(200, { "content-type": "application/x-tar" });
        if (!first.done) response.write(first.value);
        await send(response, tar);
      });
    },
  },
  "POST archive": {
    verb: "files.write",
    detail: (target) => `an archive into ${shown(pathOf(target))}`,
    async handle(files, target, request, response) {
      const { files: count, bytes } = await files.unpack(pathOf(target), request);
      sendJson(response, 200, { files: count, bytes });
    },
  },
  "POST hashes": {
    verb: "files.read",
    detail: () => "",
    async handle(files, _target, request, response) {
      sendJson(response, 200, { hashes: await files.hashes(await pathsIn(request)) });
    },
  },
  "POST delete": {
    verb: "files.write",
    detail: () => "some were removed",
    async handle(files, _target, request, response) {
      await files.remove(await pathsIn(request));
      sendJson(response, 200, {});
    },
  },
};

async function pathsIn(request: IncomingMessage): Promise<string[]> {
  const parsed = vPaths.safeParse(await readJson(request));
  if (parsed.success) return parsed.data.paths;
  throw new SlipwayError({ code: "bad_request", message: 'The body is {"paths": ["…"]}.', path: "paths" });
}

function modeOf({ query }: Target): number | null {
  const text = query.get("mode");
  if (text === null) return null;
  if (/^0?[0-7]{3}$/.test(text)) return parseInt(text, 8);
  throw new SlipwayError({
    code: "bad_request",
    message: `${shown(text)} is no mode.`,
    path: "mode",
    hint: "Give permissions like 644 or 755.",
  });
}

/** Writes no faster than it is read, and stops where nobody reads any more. */
async function send(response: ServerResponse, content: AsyncIterable<Buffer>): Promise<void> {
  for await (const part of content) {
    if (response.destroyed) return;
    if (!response.write(part)) await drained(response);
  }
  response.end();
}
