import * as z from "zod";
import type { Problem } from "../../shared/problem.ts";

/** A terminal's connection with the worker's door (worker/door/README.md): no more than its messages. */

export type Ending = { exitCode: number } | { problem: Problem };

export type TerminalSession = {
  /** Sends what was typed. */
  type(data: Uint8Array): void;
  resize(size: Size): void;
  /** Ends it; nothing is told of it afterwards. */
  close(): void;
};

export type Size = { columns: number; rows: number };

type Start = Size & { url: string; token: string; service: string };
type Listener = {
  onOpen: () => void;
  onOutput: (bytes: Uint8Array) => void;
  onEnd: (ending: Ending) => void;
};

const CONNECT_WITHIN_MS = 20_000;

const vMessage = z.union([
  z.object({ type: z.literal("exit"), exitCode: z.number() }),
  z.object({
    type: z.literal("error"),
    error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }),
  }),
]);

/** Opens a shell in a container of `service`. The ending is told once, whatever it is. */
export function openTerminal({ url, token, ...start }: Start, listener: Listener): TerminalSession {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  let isOver = false;
  const end = (ending: Ending) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(deadline);
    socket.close();
    listener.onEnd(ending);
  };
  const deadline = setTimeout(
    () => end({ problem: lost("The worker's door did not answer in time.") }),
    CONNECT_WITHIN_MS,
  );
  socket.addEventListener("open", () => {
    clearTimeout(deadline);
    socket.send(JSON.stringify({ type: "start", token, term: "xterm-256color", ...start }));
    if (!isOver) listener.onOpen();
  });
  socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
    if (isOver) return;
    if (data instanceof ArrayBuffer) listener.onOutput(new Uint8Array(data));
    else if (typeof data === "string") {
      const ending = endingOf(data);
      if (ending) end(ending);
    }
  });
  socket.addEventListener("close", ({ code }) => end({ problem: closed(code) }));
  const send = (data: Uint8Array<ArrayBuffer> | string) => {
    if (!isOver && socket.readyState === WebSocket.OPEN) socket.send(data);
  };
  return {
    type: (data) => send(new Uint8Array(data)),
    resize: (size) => send(JSON.stringify({ type: "resize", ...size })),
    close() {
      isOver = true;
      clearTimeout(deadline);
      socket.close();
    },
  };
}

/** How a text message of the door ends a terminal; null: it does not. */
export function endingOf(text: string): Ending | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const { data } = vMessage.safeParse(value);
  if (!data) return null;
  if (data.type === "exit") return { exitCode: data.exitCode };
  return { problem: { title: "The terminal could not be opened", ...data.error } };
}

/** What a connection that closes without a word means. */
export function closed(code: number): Problem {
  if (code === 1001)
    return { ...lost("Nothing was typed and nothing shown for an hour, or the worker stopped.") };
  return lost("The connection with the worker's door was lost, and the shell with it.");
}

function lost(message: string): Problem {
  return { title: "Not connected", code: "unknown", message, hint: "Connect again for another shell." };
}
