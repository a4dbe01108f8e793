import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { api } from "../../../convex/_generated/api.js";
import { ensureKeys } from "../../setup/keys.ts";
import { httpClient } from "./session.ts";

/** What the backend answers while it loads, and then what a query gives. */
const STARTING = { status: 503, body: { code: "Starting", message: "The backend is starting." } };
const ANSWER = { status: 200, body: { status: "success", value: [], logLines: [] } };

let answers: { status: number; body: unknown }[];
let asked: number;
let server: Server;
let url: string;
let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "slipway-session-"));
  asked = 0;
  server = createServer((request, response) => {
    request.resume();
    const { status, body } = answers[Math.min(asked, answers.length - 1)]!;
    asked += 1;
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  await rm(dataDir, { recursive: true, force: true });
});

test("a backend that is starting is asked again until it answers", async () => {
  answers = [STARTING, STARTING, ANSWER];
  const client = await httpClient(url, await ensureKeys(dataDir));
  expect(await client.query(api.hosts.listHosts, {})).toEqual([]);
  expect(asked).toBe(3);
});

test("any other refusal is told at once", async () => {
  answers = [{ status: 503, body: { code: "Overloaded", message: "Too many at once." } }, ANSWER];
  const client = await httpClient(url, await ensureKeys(dataDir));
  await expect(client.query(api.hosts.listHosts, {})).rejects.toThrow("Too many at once.");
  expect(asked).toBe(1);
});
