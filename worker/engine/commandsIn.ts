import { PassThrough } from "node:stream";
import type Docker from "dockerode";
import { pause, realClock } from "../clock.ts";
import { dockerCall } from "./dockerCall.ts";

const COMMAND_MS = 30_000;
const EXIT_POLL_MS = 20;

export type CommandResult = { exitCode: number; stdout: string; stderr: string };

/** Runs a command, given as its arguments, in a container, with `input` on its standard input. @throws EngineError */
export type RunCommand = (command: readonly string[], input?: string) => Promise<CommandResult>;

/** Commands inside `container`, which runs. */
export function commandsIn(docker: Docker, container: Docker.Container): RunCommand {
  return (command, input = "") => runIn(docker, container, command, input);
}

async function runIn(
  docker: Docker,
  container: Docker.Container,
  command: readonly string[],
  input: string,
): Promise<CommandResult> {
  const what = `run ${command.join(" ")} in a container`;
  return dockerCall(
    what,
    async (abortSignal) => {
      const exec = await container.exec({
        Cmd: [...command],
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
        abortSignal,
      });
      const stream = await exec.start({ hijack: true, stdin: true, abortSignal });
      const [stdout, stderr] = [new PassThrough(), new PassThrough()];
      docker.modem.demuxStream(stream, stdout, stderr);
      const texts = Promise.all([textOf(stdout), textOf(stderr)]);
      // An engine that dies closes the stream without an end.
      stream.on("close", () => {
        stdout.end();
        stderr.end();
      });
      stream.on("error", (error: Error) => {
        stdout.destroy(error);
        stderr.destroy(error);
      });
      stream.end(input);
      const [out, err] = await texts;
      return { exitCode: await exitCodeOf(exec, abortSignal), stdout: out, stderr: err };
    },
    COMMAND_MS,
  );
}

/** A command's output may end a moment before the engine knows that the command has. */
async function exitCodeOf(exec: Docker.Exec, abortSignal: AbortSignal): Promise<number> {
  for (;;) {
    const { ExitCode } = await exec.inspect({ abortSignal });
    if (ExitCode !== null) return ExitCode;
    abortSignal.throwIfAborted();
    await pause(realClock, EXIT_POLL_MS);
  }
}

async function textOf(stream: PassThrough): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
