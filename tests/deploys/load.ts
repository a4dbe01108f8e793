import { randomUUID } from "node:crypto";
import http from "node:http";
import WebSocket from "ws";
import { ask, type Answer } from "../gateway/client.ts";

export type Load = {
  sent: number;
  /** What was no good answer, as a sentence each. */
  failures: string[];
  latenciesMs: number[];
  /** By version how many answers came from it. */
  versions: Map<string, number>;
  sockets: number;
};

const BODY = "x".repeat(20_000);
const SLOW_MS = 300;

/**
 * Constant load on a deployed service, as its users would make it, until `stop`: requests one after the other in each
 * lane, with keep-alive and without, GETs, POSTs with bodies and slow answers, and WebSockets that talk and finish.
 */
export function startLoad(port: number, base: string, options: { lanes: number; sockets?: number }) {
  const load: Load = { sent: 0, failures: [], latenciesMs: [], versions: new Map(), sockets: 0 };
  const agent = new http.Agent({ keepAlive: true, maxSockets: options.lanes });
  let going = true;

  const post = () => ({ method: "POST", body: BODY, headers: { "x-post-id": randomUUID() } });
  const kinds: (() => Promise<Answer>)[] = [
    () => ask(port, `${base}/`, { agent }),
    () => ask(port, `${base}/`),
    () => ask(port, `${base}/post`, { ...post(), agent }),
    () => ask(port, `${base}/post`, post()),
    () => ask(port, `${base}/slow?ms=${SLOW_MS}`, { agent }),
  ];

  async function lane(first: number): Promise<void> {
    for (let turn = first; going; turn += 1) {
      const started = performance.now();
      load.sent += 1;
      try {
        const { status, body } = await kinds[turn % kinds.length]!();
        load.latenciesMs.push(performance.now() - started);
        if (status !== 200) load.failures.push(`${status} of kind ${turn % kinds.length}`);
        else note(JSON.parse(body) as { version: string });
      } catch (error) {
        load.failures.push(`${String(error)} of kind ${turn % kinds.length}`);
      }
    }
  }

  function note({ version }: { version: string }): void {
    load.versions.set(version, (load.versions.get(version) ?? 0) + 1);
  }

  async function socketLane(): Promise<void> {
    while (going) {
      await talk(`ws://127.0.0.1:${port}${base}/socket`).then(
        () => (load.sockets += 1),
        (error: unknown) => load.failures.push(`WebSocket: ${String(error)}`),
      );
    }
  }

  const lanes = [
    ...Array.from({ length: options.lanes }, (_, number) => lane(number)),
    ...Array.from({ length: options.sockets ?? 0 }, socketLane),
  ];
  return {
    load,
    stop: async (): Promise<Load> => {
      going = false;
      await Promise.all(lanes);
      agent.destroy();
      return load;
    },
  };
}

/** Opens a WebSocket, says five things with a pause between, expects each back, and closes. */
function talk(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    let heard = 0;
    const say = () => socket.send(`hello ${heard}`);
    socket.once("open", say);
    socket.once("error", reject);
    socket.on("message", (data: Buffer) => {
      if (!data.toString().endsWith(`:hello ${heard}`)) return reject(new Error(`heard ${data.toString()}`));
      heard += 1;
      if (heard === 5) socket.close();
      else setTimeout(say, 100);
    });
    socket.once("close", () => (heard === 5 ? resolve() : reject(new Error(`closed after ${heard} of 5`))));
  });
}
