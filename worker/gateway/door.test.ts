import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { gatewayPaths } from "./config.ts";
import { askDoor } from "./door.ts";
import { SocketGateway } from "./socketGateway.ts";
import { mkdir } from "node:fs/promises";

let dataDir: string;
let server: Server | undefined;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "slipway-door-"));
  await mkdir(gatewayPaths(dataDir).door, { recursive: true });
});
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
  await rm(dataDir, { recursive: true, force: true });
});

async function doorThat(answer: RequestListener): Promise<string> {
  const { pushSocket } = gatewayPaths(dataDir);
  server = createServer(answer);
  await new Promise<void>((resolve) => server?.listen(pushSocket, resolve));
  return pushSocket;
}

describe("the door", () => {
  test("that nobody listens at is unreachable", async () => {
    const { pushSocket } = gatewayPaths(dataDir);
    await expect(
      askDoor(pushSocket, { method: "GET", path: "/versions", timeoutMs: 1_000 }),
    ).rejects.toMatchObject({
      kind: "unreachable",
      data: { code: "gateway", hint: expect.stringContaining("slipway doctor") },
    });
  });

  test.each<[string, RequestListener]>([
    ["says nothing", () => undefined],
    ["never ends its answer", (_request, response) => void response.write("{")],
  ])("that %s is given up at the deadline", async (_what, answer) => {
    const socket = await doorThat(answer);
    await expect(askDoor(socket, { method: "GET", path: "/versions", timeoutMs: 100 })).rejects.toMatchObject(
      {
        kind: "deadline",
        message: "The gateway did not answer GET /versions within 100 ms.",
      },
    );
  });

  test("that begins an answer without an end has answered whoever wants its headers alone", async () => {
    const socket = await doorThat((_request, response) => {
      response.writeHead(404, { "x-said": "it" });
      response.write("{");
    });
    const answer = askDoor(socket, { method: "GET", path: "/", timeoutMs: 2_000, headersOnly: true });
    expect(await answer).toMatchObject({ status: 404, headers: { "x-said": "it" }, body: "" });
  });

  test("that hangs up is unreachable, not silent", async () => {
    const socket = await doorThat((request) => request.socket.destroy());
    await expect(askDoor(socket, { method: "GET", path: "/", timeoutMs: 1_000 })).rejects.toMatchObject({
      kind: "unreachable",
    });
  });

  test("with a path that Linux cannot hold is named", async () => {
    const path = join(dataDir, "x".repeat(120), "push.sock");
    await expect(askDoor(path, { method: "GET", path: "/", timeoutMs: 1_000 })).rejects.toThrow("107 bytes");
  });

  test("that speaks another language is broken", async () => {
    await doorThat((_request, response) => void response.end("<html>"));
    await expect(new SocketGateway(dataDir).answeringVersions()).rejects.toMatchObject({ kind: "broken" });
  });

  test("that refuses is quoted", async () => {
    await doorThat((_request, response) => {
      response.statusCode = 409;
      response.end(
        JSON.stringify({ error: { code: "taken", message: "slug shop belongs to another project" } }),
      );
    });
    await expect(
      new SocketGateway(dataDir).pushProject({
        namespace: "project_1700000000001_abcd2345",
        slug: "shop",
        version: 1,
        environments: {},
      }),
    ).rejects.toMatchObject({
      kind: "taken",
      data: { code: "name_taken" },
      message: expect.stringContaining("slug shop belongs to another project"),
    });
  });

  test("is not even asked with malformed routes", async () => {
    await expect(
      new SocketGateway(dataDir).pushProject({
        namespace: "nonsense",
        slug: "shop",
        version: 1,
        environments: {},
      }),
    ).rejects.toMatchObject({ kind: "invalid", message: expect.stringContaining("namespace") });
  });
});
