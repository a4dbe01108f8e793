import type { Readable, Writable } from "node:stream";
import { once } from "node:events";
import { WebSocket } from "ws";
import { SlipwayError, type ErrorData } from "../../../core/errors.ts";
import { FRAME, frame, framesOf, MOST_FRAME_BYTES } from "../../../worker/door/execFrames.ts";
import type { DoorClient } from "./doorClient.ts";

export type Streams = { stdin: Readable; stdout: Writable; stderr: Writable };

/**
 * Runs a command in a service's container with these streams. Ends it where `signal` says so.
 * @returns its exit code
 */
export async function runCommand(
  door: DoorClient,
  start: { command: string[]; service?: string },
  { stdin, stdout, stderr }: Streams,
  signal: AbortSignal,
): Promise<number> {
  const { request, answer } = await door.exec();
  signal.addEventListener("abort", () => request.destroy(), { once: true });
  request.write(frame(FRAME.start, JSON.stringify(start)));
  const feed = async () => {
    for await (const chunk of stdin) {
      const bytes = Buffer.from(chunk as Buffer);
      for (let from = 0; from < bytes.length; from += MOST_FRAME_BYTES) {
        if (request.destroyed) return;
        const part = frame(FRAME.stdin, bytes.subarray(from, from + MOST_FRAME_BYTES));
        if (!request.write(part)) await Promise.race([once(request, "drain"), once(request, "close")]);
      }
    }
    request.end(frame(FRAME.stdin, ""));
  };
  // The command may end before its input: what is left of that has no reader.
  void feed().catch(() => request.end());
  try {
    for await (const { kind, content } of framesOf(await answer)) {
      if (kind === FRAME.stdout) await write(stdout, content);
      else if (kind === FRAME.stderr) await write(stderr, content);
      else if (kind === FRAME.exit) return (JSON.parse(content.toString()) as { exitCode: number }).exitCode;
      else if (kind === FRAME.error) throw new SlipwayError(JSON.parse(content.toString()) as ErrorData);
    }
    throw lost();
  } catch (error) {
    if (error instanceof SlipwayError) throw error;
    throw lost(error);
  } finally {
    request.destroy();
    stdin.destroy();
  }
}

type Terminal = { stdin: NodeJS.ReadStream; stdout: NodeJS.WriteStream };

/** A terminal of this one's size in a service's container, every key sent as it is typed. */
export async function runTerminal(
  door: DoorClient,
  { command, service }: { command?: string[]; service?: string },
  { stdin, stdout }: Terminal,
): Promise<number> {
  const socket = new WebSocket(door.terminalUrl(), {
    headers: { authorization: `Bearer ${await door.token()}` },
    handshakeTimeout: 15_000,
  });
  const size = () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 });
  const resized = () => socket.send(JSON.stringify({ type: "resize", ...size() }));
  const typed = (bytes: Buffer) => void socket.send(bytes);
  let ended: { exitCode: number } | { error: ErrorData } | null = null;
  socket.on("open", () => {
    const term = process.env.TERM;
    socket.send(JSON.stringify({ type: "start", ...size(), command, service, ...(term && { term }) }));
    stdin.setRawMode?.(true);
    stdin.on("data", typed).resume();
    stdout.on("resize", resized);
  });
  socket.on("message", (data: Buffer, isBinary) => {
    if (isBinary) {
      if (stdout.write(data)) return;
      socket.pause();
      stdout.once("drain", () => socket.resume());
    } else ended = JSON.parse(data.toString()) as { exitCode: number } | { error: ErrorData };
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("close", resolve);
      socket.once("error", reject);
    });
  } catch (error) {
    throw lost(error);
  } finally {
    stdin.off("data", typed).pause();
    stdin.setRawMode?.(false);
    stdout.off("resize", resized);
    stdin.unref();
  }
  const end = ended as { exitCode: number } | { error: ErrorData } | null;
  if (end === null) throw lost();
  if ("error" in end) throw new SlipwayError(end.error);
  return end.exitCode;
}

async function write(stream: Writable, content: Buffer): Promise<void> {
  // The frame is a part of a buffer that goes on being used.
  if (!stream.write(Buffer.from(content))) await once(stream, "drain");
}

function lost(cause?: unknown): SlipwayError {
  return new SlipwayError(
    {
      code: "setup",
      message: "The connection to the worker's door was lost, and the command with it.",
      hint: "slipway status shows whether the worker runs.",
    },
    { cause },
  );
}
