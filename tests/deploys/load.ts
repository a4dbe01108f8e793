import { randomUUID } from "node:crypto";
import http from "node:http";
import { setTimeout as pause } from "node:timers/promises";
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
  /** Answers and WebSockets that took seconds, and ended as they should. */
  lasting: Lasting[];
};

export type Lasting = {
  kind: "answer" | "WebSocket";
  version: string;
  /** ms since 1970 */
  endedAt: number;
};

const BODY = "x".repeat(20_000);
const SLOW_MS = 300;
/** More than twice what old containers have at least after a switch, so that some are always in its way. */
const LASTING_MS = 2_400;
/** So many one after the other: whenever a switch comes, one has most of its time still to go. */
const LASTING_LANES = 3;
const WORDS = 5;

/**
 * Constant load on a deployed service, as its users would make it, until `stop`: requests one after the other in each
 * lane, with keep-alive and without, GETs, POSTs with bodies and slow answers, and WebSockets that talk and finish. With
 * `lasting`, beside them answers that come in pieces, and WebSockets, that go on for longer than a switch waits at least.
 * `pauseMs` after each request leave the processors to what is to be looked at; by default there is none.
 */
export function startLoad(
  port: number,
  base: string,
  options: { lanes: number; pauseMs?: number; sockets?: number; lasting?: boolean },
) {
  const load: Load = {
    ...{ sent: 0, failures: [], latenciesMs: [], versions: new Map(), sockets: 0, lasting: [] },
  };
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
      if (options.pauseMs) await pause(options.pauseMs);
    }
  }

  function note({ version }: { version: string }): void {
    load.versions.set(version, (load.versions.get(version) ?? 0) + 1);
  }

  const socketUrl = `ws://127.0.0.1:${port}${base}/socket`;

  async function socketLane(): Promise<void> {
    while (going) {
      await talk(socketUrl, 100).then(
        () => (load.sockets += 1),
        (error: unknown) => load.failures.push(`WebSocket: ${String(error)}`),
      );
    }
  }

  async function lastingAnswer(): Promise<string> {
    const { status, body } = await ask(port, `${base}/pieces?ms=${LASTING_MS}`);
    if (status !== 200) throw new Error(String(status));
    // No JSON unless it came whole.
    return (JSON.parse(body) as { version: string }).version;
  }

  async function lastingLane(number: number): Promise<void> {
    await pause((number * LASTING_MS) / LASTING_LANES);
    const once = {
      answer: lastingAnswer,
      WebSocket: () => talk(socketUrl, LASTING_MS / (WORDS - 1)),
    };
    const one = async (kind: Lasting["kind"]) => {
      while (going) {
        load.sent += kind === "answer" ? 1 : 0;
        try {
          const version = await once[kind]();
          load.lasting.push({ kind, version, endedAt: Date.now() });
        } catch (error) {
          load.failures.push(`lasting ${kind}: ${String(error)}`);
        }
      }
    };
    await Promise.all([one("answer"), one("WebSocket")]);
  }

  const many = (count: number, work: (number: number) => Promise<void>) =>
    Array.from({ length: count }, (_, number) => work(number));
  const lanes = [
    ...many(options.lanes, lane),
    ...many(options.sockets ?? 0, socketLane),
    ...many(options.lasting ? LASTING_LANES : 0, lastingLane),
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

/** Opens a WebSocket, says five things with a pause between, expects each back, and closes. @returns who answered */
function talk(url: string, pauseMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    let heard = 0;
    let version = "";
    const say = () => socket.send(`hello ${heard}`);
    socket.once("open", say);
    socket.once("error", reject);
    socket.on("message", (data: Buffer) => {
      const [from = "", ...words] = data.toString().split(":");
      if (words.join(":") !== `hello ${heard}`) return reject(new Error(`heard ${data.toString()}`));
      version = from;
      heard += 1;
      if (heard === WORDS) socket.close();
      else setTimeout(say, pauseMs);
    });
    socket.once("close", () =>
      heard === WORDS ? resolve(version) : reject(new Error(`closed after ${heard} of ${WORDS}`)),
    );
  });
}
