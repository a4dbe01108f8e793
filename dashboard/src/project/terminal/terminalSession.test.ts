import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocket as ServerSocket, WebSocketServer } from "ws";
import { endingOf, openTerminal, type Ending } from "./terminalSession.ts";

/** A real WebSocket between the two; that of ws has a browser's interface, which Node 20 lacks. */
let server: WebSocketServer;
let url: string;
beforeEach(async () => {
  vi.stubGlobal("WebSocket", ServerSocket);
  server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await new Promise((resolve) => server.once("listening", resolve));
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  for (const client of server.clients) client.terminate();
  server.close();
  vi.unstubAllGlobals();
});

/** Opens one, and waits for the first message that the door gets. */
async function opened() {
  const outputs: string[] = [];
  let end!: (ending: Ending) => void;
  const ending = new Promise<Ending>((resolve) => (end = resolve));
  const met = new Promise<{ door: ServerSocket; first: unknown }>((resolve) =>
    server.once("connection", (door) =>
      door.once("message", (data: Buffer) => resolve({ door, first: JSON.parse(data.toString()) })),
    ),
  );
  const session = openTerminal(
    { url, token: "a.b.c", service: "app", columns: 80, rows: 24 },
    { onOpen: () => {}, onOutput: (bytes) => outputs.push(new TextDecoder().decode(bytes)), onEnd: end },
  );
  return { session, outputs, ending, ...(await met) };
}
const next = (door: ServerSocket) =>
  new Promise<{ text: string; isBinary: boolean }>((resolve) =>
    door.once("message", (data: Buffer, isBinary) => resolve({ text: data.toString(), isBinary })),
  );

test("it starts with the token and the size, and text goes both ways as bytes", async () => {
  const { session, outputs, ending, door, first } = await opened();
  expect(first).toEqual({
    type: "start",
    token: "a.b.c",
    service: "app",
    term: "xterm-256color",
    columns: 80,
    rows: 24,
  });
  let typed = next(door);
  session.type(new TextEncoder().encode("ls\r"));
  expect(await typed).toEqual({ text: "ls\r", isBinary: true });
  typed = next(door);
  session.resize({ columns: 100, rows: 30 });
  expect(JSON.parse((await typed).text)).toEqual({ type: "resize", columns: 100, rows: 30 });
  door.send(Buffer.from("a.txt\r\n"));
  door.send(JSON.stringify({ type: "exit", exitCode: 3 }));
  expect(await ending).toEqual({ exitCode: 3 });
  expect(outputs.join("")).toBe("a.txt\r\n");
});

test("a lost connection is an ending too", async () => {
  const { ending, door } = await opened();
  door.terminate();
  expect(await ending).toMatchObject({ problem: { hint: expect.stringContaining("again") } });
});

test("the door's errors keep their words; what is no message ends nothing", () => {
  expect(
    endingOf('{"type":"error","error":{"code":"forbidden","message":"No.","hint":"Ask."}}'),
  ).toMatchObject({ problem: { code: "forbidden", message: "No.", hint: "Ask." } });
  expect(endingOf("hello")).toBeNull();
  expect(endingOf('{"type":"news"}')).toBeNull();
});
