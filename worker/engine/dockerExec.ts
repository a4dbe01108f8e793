import type { Duplex, Readable } from "node:stream";
import type Docker from "dockerode";
import { CHANGE_DEADLINE_MS, READ_DEADLINE_MS, withDeadline } from "./deadline.ts";
import { engineErrorOf } from "./engineError.ts";
import type { ExecEngine, ExecOutput, ExecRequest, ExecSession, TerminalSize } from "./execEngine.ts";

/** A real engine's commands. */
export class DockerExec implements ExecEngine {
  constructor(private readonly docker: Docker) {}

  async exec(request: ExecRequest): Promise<ExecSession> {
    const { container, command, user, workingDir, environment, tty } = request;
    return await within(CHANGE_DEADLINE_MS, `run a command in ${container}`, async (abortSignal) => {
      const exec = await this.docker.getContainer(container).exec({
        ...{ AttachStdin: true, AttachStdout: true, AttachStderr: true, Tty: tty !== null },
        ...{ Cmd: command, User: user, abortSignal },
        ...(workingDir !== null && { WorkingDir: workingDir }),
        Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      });
      // Without the signal: it would end the command's streams, too, long after the start.
      const stream = await exec.start({ hijack: true, stdin: true, Tty: tty !== null });
      const session = new DockerExecSession(exec, stream, tty !== null);
      if (tty) await session.resize(tty);
      return session;
    });
  }

  async mergeArchive(container: string, path: string, tar: Readable): Promise<void> {
    try {
      await within(CHANGE_DEADLINE_MS, `copy files into ${container}`, async (abortSignal) => {
        const options = { path, noOverwriteDirNonDir: "true", abortSignal };
        await this.docker.getContainer(container).putArchive(tar, options as { path: string });
      });
    } finally {
      tar.destroy();
    }
  }
}

class DockerExecSession implements ExecSession {
  constructor(
    private readonly exec: Docker.Exec,
    readonly stdin: Duplex,
    private readonly tty: boolean,
  ) {
    // A reader that has left is noticed by `output`; without a listener it would end the process.
    stdin.on("error", () => {});
  }

  async *output(): AsyncIterable<ExecOutput> {
    if (this.tty) {
      for await (const bytes of this.stdin) yield { stream: "stdout", bytes: bytes as Buffer };
    } else yield* separated(this.stdin);
  }

  async resize({ columns, rows }: TerminalSize): Promise<void> {
    await within(READ_DEADLINE_MS, "resize a terminal", () => this.exec.resize({ h: rows, w: columns }));
  }

  async state(): Promise<{ running: boolean; exitCode: number | null }> {
    const { Running, ExitCode } = await within(READ_DEADLINE_MS, "look at a command", () =>
      this.exec.inspect(),
    );
    return { running: Running, exitCode: ExitCode };
  }

  close(): void {
    this.stdin.destroy();
  }
}

const HEADER_BYTES = 8;

/**
 * Docker's frames: a byte for the stream, three zeros, four bytes of length, content. What the engine itself has to say
 * of a command that it cannot start comes without frames.
 */
export async function* separated(source: AsyncIterable<Buffer>): AsyncIterable<ExecOutput> {
  let rest: Buffer = Buffer.alloc(0);
  let stream: ExecOutput["stream"] = "stdout";
  let left = 0;
  for await (const chunk of source) {
    let bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    rest = Buffer.alloc(0);
    while (bytes.length > 0) {
      if (left === 0) {
        if (bytes[0]! > 2) {
          yield { stream: "stderr", bytes };
          break;
        }
        if (bytes.length < HEADER_BYTES) {
          rest = bytes;
          break;
        }
        stream = bytes[0] === 2 ? "stderr" : "stdout";
        left = bytes.readUInt32BE(4);
        bytes = bytes.subarray(HEADER_BYTES);
        continue;
      }
      const content = bytes.subarray(0, left);
      left -= content.length;
      bytes = bytes.subarray(content.length);
      yield { stream, bytes: content };
    }
  }
}

async function within<T>(
  deadlineMs: number,
  what: string,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  try {
    return await withDeadline(what, deadlineMs, call);
  } catch (error) {
    throw engineErrorOf(what, error);
  }
}
