import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type Docker from "dockerode";
import * as z from "zod";
import { READ_DEADLINE_MS, withDeadline } from "./deadline.ts";
import type { EngineEvent, EngineListener, EngineWatch } from "./engine.ts";

/** Only these are asked for: each health check is two `exec` events, which nobody here needs. */
const ACTIONS = [
  "die",
  "start",
  "destroy",
  "health_status",
  "pause",
  "unpause",
  "oom",
  "disconnect",
  "kill",
  "tag",
  "untag",
  "delete",
  "pull",
];
const RECONNECT_MS = { least: 100, most: 5000 } as const;

const vEvent = z.object({
  Type: z.enum(["container", "network", "volume", "image"]),
  Action: z.string(),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()).nullish() }),
});

/** Follows the engine's event stream, and connects again, ever more slowly, when it ends. */
export function watchDocker(docker: Docker, listener: EngineListener): EngineWatch {
  let closed = false;
  let delayMs: number = RECONNECT_MS.least;
  let timer: NodeJS.Timeout | undefined;
  let stream: Readable | undefined;

  const lost = (error: unknown) => {
    if (closed) return;
    listener.onLost(error);
    timer = setTimeout(() => void follow(), delayMs);
    delayMs = Math.min(delayMs * 2, RECONNECT_MS.most);
  };

  const follow = async () => {
    try {
      stream = await connect(docker);
      if (closed) return void stream.destroy();
      delayMs = RECONNECT_MS.least;
      listener.onConnected();
      for await (const line of createInterface({ input: stream })) {
        const event = parseEvent(line);
        if (event) listener.onEvent(event);
      }
      lost(new Error("The engine ended its event stream."));
    } catch (error) {
      lost(error);
    }
  };
  void follow();

  return {
    close() {
      closed = true;
      clearTimeout(timer);
      stream?.destroy();
    },
  };
}

async function connect(docker: Docker): Promise<Readable> {
  const filters = { type: ["container", "network", "volume", "image"], event: ACTIONS };
  return await withDeadline("follow the engine's events", READ_DEADLINE_MS, async () => {
    const options = { filters: JSON.stringify(filters) };
    const stream = (await docker.getEvents(options)) as Readable;
    // readline does not pass on what goes wrong with its input: the end of the lines tells as well.
    stream.on("error", () => stream.destroy());
    return stream;
  });
}

/** One line of the stream; null for what is not understood, which the next resync makes up for. */
export function parseEvent(line: string): EngineEvent | null {
  const parsed = vEvent.safeParse(parseJson(line));
  if (!parsed.success) return null;
  const { Type, Action, Actor } = parsed.data;
  const attributes = Actor.Attributes ?? {};
  return {
    type: Type,
    action: Action,
    id: Actor.ID,
    name: attributes.name ?? Actor.ID,
    labels: Type === "container" ? attributes : {},
    exitCode: attributes.exitCode === undefined ? null : Number(attributes.exitCode),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
