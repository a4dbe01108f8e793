import type { RawData, WebSocket } from "ws";
import * as z from "zod";
import { SlipwayError } from "../../core/errors.ts";
import { programName, type Commands, type Run } from "./commands.ts";
import type { Admitted } from "./doorkeeper.ts";
import { errorData, noToken, type Target } from "./request.ts";

/** How long the first message may take, and how long nobody may type and nothing be shown. */
const START_WITHIN_MS = 10_000;
const IDLE_MS = 60 * 60_000;
const PING_MS = 20_000;
/** Output that waits to be sent; the command waits with it. */
const MOST_WAITING_BYTES = 1024 * 1024;

const vSize = { columns: z.int().min(1).max(1000), rows: z.int().min(1).max(1000) };
const vStart = z.strictObject({
  type: z.literal("start"),
  token: z.string().max(8192).optional(),
  service: z.string().max(64).optional(),
  command: z.array(z.string()).min(1).optional(),
  term: z.string().max(64).optional(),
  ...vSize,
});
const vResize = z.strictObject({ type: z.literal("resize"), ...vSize });

/** The best shell that the container has. */
const SHELL = ["sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash -i; exec sh -i"];

/**
 * A terminal over one WebSocket. Text messages are JSON: `start` first, `resize` later; `exit` or `error` back, last.
 * Binary messages are what is typed, and what is shown. Whoever leaves ends the command.
 * @param token from the request's header, where it had one
 */
export async function handleTerminal(
  commands: Commands,
  { environment }: Target,
  admit: (token: string, detail: string) => Promise<Admitted>,
  token: string | null,
  socket: WebSocket,
): Promise<void> {
  const inbox = new Inbox(socket);
  let run: Run | null = null;
  const timers: NodeJS.Timeout[] = [];
  try {
    const start = vStart.safeParse(json(await inbox.first(START_WITHIN_MS)));
    if (!start.success) throw badStart();
    const { service, columns, rows, term, command = SHELL } = start.data;
    const given = token ?? start.data.token ?? null;
    if (given === null) throw noToken();
    const shell = start.data.command === undefined;
    const { namespace } = await admit(given, shell ? "a terminal" : `${programName(command)} in a terminal`);
    run = await commands.run({
      namespace,
      kind: environment,
      service,
      command,
      tty: { columns, rows },
      term,
    });
    const { session } = run;
    const idle = setTimeout(() => socket.close(1001, "idle"), IDLE_MS);
    const ping = setInterval(() => socket.ping(), PING_MS);
    timers.push(idle, ping);
    socket.once("close", () => session.close());
    inbox.each((data, isBinary) => {
      idle.refresh();
      if (isBinary) {
        // A typist is slower than any program; whoever pastes more than it takes is held up by TCP.
        if (!session.stdin.write(data)) {
          socket.pause();
          session.stdin.once("drain", () => socket.resume());
        }
        return;
      }
      const resize = vResize.safeParse(json(data));
      if (resize.success) void session.resize(resize.data).catch(() => {});
    });
    for await (const { bytes } of session.output()) {
      idle.refresh();
      if (socket.readyState !== socket.OPEN) break;
      await sent(socket, bytes);
    }
    if (socket.readyState !== socket.OPEN) return;
    socket.send(JSON.stringify({ type: "exit", exitCode: await run.exitCode() }));
    socket.close(1000);
  } catch (error) {
    if (socket.readyState === socket.OPEN) {
      socket.send(JSON.stringify({ type: "error", error: errorData(error) }));
      socket.close(1008);
    }
    if (!(error instanceof SlipwayError) && run === null) throw error;
  } finally {
    for (const timer of timers) clearTimeout(timer);
    await run?.end();
  }
}

/** Keeps what comes before somebody wants it. */
class Inbox {
  private readonly waiting: { data: Buffer; isBinary: boolean }[] = [];
  private take: ((data: Buffer, isBinary: boolean) => void) | null = null;

  constructor(private readonly socket: WebSocket) {
    socket.on("message", (raw: RawData, isBinary) => {
      const data = Array.isArray(raw) ? Buffer.concat(raw) : Buffer.from(raw as Buffer);
      if (this.take) this.take(data, isBinary);
      else if (this.waiting.length < 64) this.waiting.push({ data, isBinary });
      else socket.terminate();
    });
  }

  async first(withinMs: number): Promise<Buffer> {
    const early = this.waiting.shift();
    if (early) return early.data;
    return await new Promise<Buffer>((resolve, reject) => {
      const end = (conclude: () => void) => {
        clearTimeout(timer);
        this.take = null;
        conclude();
      };
      const timer = setTimeout(() => end(() => reject(badStart())), withinMs);
      this.socket.once("close", () => end(() => reject(badStart())));
      this.take = (data) => end(() => resolve(data));
    });
  }

  each(take: (data: Buffer, isBinary: boolean) => void): void {
    this.take = take;
    for (const { data, isBinary } of this.waiting.splice(0)) take(data, isBinary);
  }
}

/** Settles once there is room for more. */
async function sent(socket: WebSocket, bytes: Buffer): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.send(bytes, { binary: true }, () => resolve());
    if (socket.bufferedAmount < MOST_WAITING_BYTES) resolve();
  });
}

function json(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString("utf8"));
  } catch {
    return null;
  }
}

function badStart(): SlipwayError {
  return new SlipwayError({
    code: "bad_request",
    message: 'The first message is {"type": "start", "columns": 80, "rows": 24}.',
    hint: "worker/door/README.md describes the messages.",
  });
}
