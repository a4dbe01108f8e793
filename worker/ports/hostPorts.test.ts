import { createServer, connect, type AddressInfo, type Server } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { realClock } from "../clock.ts";
import { HostPorts } from "./hostPorts.ts";

/** Real sockets on this machine: what goes in at a port comes out where it leads. */

const servers: Server[] = [];
let ports: HostPorts;
beforeEach(() => {
  ports = new HostPorts(realClock);
});
afterEach(async () => {
  await ports.close();
  for (const server of servers.splice(0)) server.close();
});

async function serve(answer: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => socket.end(`${answer}:${data.toString()}`));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** A port that nobody had a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function say(port: number, words: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(words);
  return await text(socket).catch(() => "");
}

const to = (port: number) => ({ address: "127.0.0.1", port });

test("a port leads to its container, and then to the next one", async () => {
  const [one, two, port] = [await serve("one"), await serve("two"), await freePort()];
  expect(await ports.follow("ns", [{ port, backend: to(one) }])).toEqual([]);
  expect(await say(port, "hello")).toBe("one:hello");
  await ports.follow("ns", [{ port, backend: to(two) }]);
  expect(await say(port, "hello")).toBe("two:hello");
});

test("without a container it stays taken and closes whoever comes", async () => {
  const port = await freePort();
  await ports.follow("ns", [{ port, backend: null }]);
  expect(await say(port, "hello")).toBe("");
  expect((await ports.follow("other", [])).length).toBe(0);
  const taken = createServer();
  const refused = new Promise((resolve) => taken.once("error", resolve));
  taken.listen(port, "127.0.0.1");
  expect(await refused).toMatchObject({ code: "EADDRINUSE" });
});

test("a port that is no longer wanted is free, and its connections end", async () => {
  const [backend, port] = [await serve("one"), await freePort()];
  await ports.follow("ns", [{ port, backend: to(backend) }]);
  const open = connect(port, "127.0.0.1");
  open.on("error", () => {});
  await new Promise((resolve) => open.once("connect", resolve));
  const ended = new Promise((resolve) => open.once("close", resolve));
  await ports.follow("ns", []);
  await ended;
  const again = createServer();
  servers.push(again);
  await new Promise<void>((resolve) => again.listen(port, "127.0.0.1", resolve));
});

test("a port that another program has is told, with why", async () => {
  const taken = await serve("foreign");
  const [failure] = await ports.follow("ns", [{ port: taken, backend: null, service: "db" }]);
  expect(failure).toMatchObject({ wanted: { port: taken, service: "db" }, error: { code: "EADDRINUSE" } });
});
