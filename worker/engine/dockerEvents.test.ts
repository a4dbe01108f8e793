import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseEvent, watchDocker } from "./dockerEvents.ts";
import type { EngineWatch } from "./engine.ts";

/** An engine's event stream, over a real socket, that can be cut. */

let folder: string;
let streams: ServerResponse[];
let server: ReturnType<typeof createServer>;
let watch: EngineWatch;
let story: string[];
let told: () => void;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-events-"));
  streams = [];
  story = [];
  server = createServer((_request, response) => {
    streams.push(response);
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
  });
  server.listen(join(folder, "docker.sock"));
  await once(server, "listening");
  const note = (line: string) => {
    story.push(line);
    told?.();
  };
  watch = watchDocker(new Docker({ socketPath: join(folder, "docker.sock") }), {
    onEvent: ({ action, name }) => note(`${action} ${name}`),
    onConnected: () => note("connected"),
    onLost: () => note("lost"),
  });
});
afterEach(async () => {
  watch.close();
  for (const stream of streams) stream.destroy();
  server.close();
  await rm(folder, { recursive: true });
});

/** Settles once as many things were told. */
async function heard(count: number): Promise<void> {
  while (story.length < count) await new Promise<void>((resolve) => (told = resolve));
}

const line = (action: string) =>
  `${JSON.stringify({ Type: "container", Action: action, Actor: { ID: "c1", Attributes: { name: "app" } } })}\n`;

test("events come as they happen, whatever the pieces that they come in", async () => {
  await heard(1);
  const text = line("start") + line("die");
  streams[0]!.write(text.slice(0, 30));
  streams[0]!.write(text.slice(30));
  await heard(3);
  expect(story).toEqual(["connected", "start app", "die app"]);
});

test("a stream that ends is followed anew, and that events may be missing is told", async () => {
  await heard(1);
  streams[0]!.end();
  await heard(3);
  streams[1]!.socket!.destroy();
  await heard(5);
  streams[2]!.write(line("start"));
  await heard(6);
  expect(story).toEqual(["connected", "lost", "connected", "lost", "connected", "start app"]);
});

test("what is not understood is left out", () => {
  expect(parseEvent("half a li")).toBeNull();
  expect(parseEvent('{"Type":"plugin","Action":"enable","Actor":{"ID":"x"}}')).toBeNull();
  expect(parseEvent('{"Type":"network","Action":"destroy","Actor":{"ID":"n1"}}')).toMatchObject({
    name: "n1",
  });
});
