import type { IncomingMessage, ServerResponse } from "node:http";
import * as z from "zod";
import { SlipwayError } from "../../core/errors.ts";
import { programName, type Commands } from "./commands.ts";
import type { Admitted } from "./doorkeeper.ts";
import { FRAME, frame, framesOf, FRAMES_TYPE, MOST_FRAME_BYTES, type Frame } from "./execFrames.ts";
import { errorData, type Target } from "./request.ts";
import { drained } from "./runScript.ts";

const NOT_STARTED = Buffer.from("OCI runtime exec failed: ");
const START_WITHIN_MS = 10_000;

const vStart = z.strictObject({
  command: z.array(z.string()).min(1),
  service: z.string().max(64).optional(),
});

/**
 * A command: its input comes with the request, its outputs and its exit code go with the answer, both as they come.
 * Ends it where the caller leaves.
 */
export async function handleExec(
  commands: Commands,
  { environment }: Target,
  admit: (detail: string) => Promise<Admitted>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const frames = framesOf(request);
  const { command, service } = await startOf(frames);
  const { namespace } = await admit(programName(command));
  const run = await commands.run({ namespace, kind: environment, service, command, tty: null });
  let left = false;
  response.once("close", () => {
    if (response.writableEnded) return;
    left = true;
    run.session.close();
  });
  response.writeHead(200, { "content-type": FRAMES_TYPE });
  response.flushHeaders();
  void feed(run.session.stdin, frames).catch(() => run.session.stdin.end());
  try {
    for await (const { stream, bytes } of run.session.output()) {
      if (left) break;
      // The engine says on the command's own output that there is no such program.
      const notStarted = bytes.subarray(0, NOT_STARTED.length).equals(NOT_STARTED);
      const kind = stream === "stdout" && !notStarted ? FRAME.stdout : FRAME.stderr;
      for (let from = 0; from < bytes.length; from += MOST_FRAME_BYTES) {
        if (!response.write(frame(kind, bytes.subarray(from, from + MOST_FRAME_BYTES))))
          await drained(response);
      }
    }
    if (!left) response.end(frame(FRAME.exit, JSON.stringify({ exitCode: await run.exitCode() })));
  } catch (error) {
    if (!left) response.end(frame(FRAME.error, JSON.stringify(errorData(error))));
  } finally {
    if (left) await run.end();
    else run.session.close();
  }
}

async function feed(stdin: NodeJS.WritableStream & { destroyed?: boolean }, frames: AsyncGenerator<Frame>) {
  for await (const { kind, content } of frames) {
    if (stdin.destroyed) return;
    if (kind !== FRAME.stdin || content.length === 0) break;
    // The frame is a part of a buffer that is used again.
    if (!stdin.write(Buffer.from(content))) await drained(stdin);
  }
  stdin.end();
}

async function startOf(frames: AsyncGenerator<Frame>): Promise<z.output<typeof vStart>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), START_WITHIN_MS);
  });
  try {
    const next = await Promise.race([frames.next(), late]);
    const first = next === null || next.done ? null : next.value;
    const parsed =
      first?.kind === FRAME.start ? vStart.safeParse(JSON.parse(first.content.toString("utf8"))) : null;
    if (parsed?.success) return parsed.data;
  } catch {
    // Said below.
  } finally {
    clearTimeout(timer);
  }
  throw new SlipwayError({
    code: "bad_request",
    message: 'The request does not begin with a frame of {"command": ["…"]}.',
    hint: "worker/door/README.md describes the frames.",
  });
}
