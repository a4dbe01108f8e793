import { SlipwayError } from "../../core/errors.ts";
import type { ExecEngine, ExecSession } from "../engine/execEngine.ts";
import { FAILED } from "./workspaceScripts.ts";

const UNPRIVILEGED = "1000:1000";
const MOST_STDERR = 4096;

/** A script in a file container: its output as it comes, its input, and how it ended. */
export class RunningScript {
  private said = "";

  private constructor(
    private readonly session: ExecSession,
    private readonly path: string,
  ) {}

  /** @param path what it is about, for errors */
  static async start(
    engine: ExecEngine,
    container: string,
    [script, ...args]: [string, ...string[]],
    path: string,
  ): Promise<RunningScript> {
    const session = await engine.exec({
      container,
      command: ["sh", "-c", script, "sh", ...args],
      user: UNPRIVILEGED,
      workingDir: "/workspace",
      environment: {},
      tty: null,
    });
    return new RunningScript(session, path);
  }

  /** Gives the script its whole input. */
  async feed(input: AsyncIterable<Buffer | string> | Iterable<Buffer | string>): Promise<void> {
    const { stdin } = this.session;
    for await (const part of input) {
      if (stdin.destroyed) return;
      if (!stdin.write(part)) await drained(stdin);
    }
    stdin.end();
  }

  /**
   * What it writes, to its end.
   * @throws SlipwayError where it did not end well
   */
  async *output(): AsyncGenerator<Buffer> {
    try {
      for await (const { stream, bytes } of this.session.output()) {
        if (stream === "stdout") yield bytes;
        else if (this.said.length < MOST_STDERR) this.said += bytes.toString("utf8");
      }
      const { exitCode } = await this.session.state();
      if (exitCode !== 0) throw failure(exitCode, this.path, this.said);
    } finally {
      this.session.close();
    }
  }

  /** Waits for its end, where nothing that it writes matters. */
  async ended(): Promise<void> {
    for await (const _ of this.output());
  }
}

export async function drained(stream: NodeJS.WritableStream): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      for (const event of ["drain", "close", "error"]) stream.removeListener(event, done);
      resolve();
    };
    for (const event of ["drain", "close", "error"]) stream.once(event, done);
  });
}

function failure(code: number | null, path: string, said: string): SlipwayError {
  const shown = JSON.stringify(path);
  const refuse = (
    errorCode: "not_found" | "forbidden" | "bad_request" | "docker",
    message: string,
    hint: string,
  ) => new SlipwayError({ code: errorCode, message, path: "path", hint });
  if (/No space left|Disk quota/i.test(said)) {
    return refuse(
      "docker",
      `The workspace is full: ${shown} was not written.`,
      "Remove files, or give the environment a larger disk.",
    );
  }
  switch (code) {
    case FAILED.missing:
      return refuse(
        "not_found",
        `There is no ${shown} in the workspace.`,
        "slipway files ls shows what there is.",
      );
    case FAILED.outside:
      return refuse(
        "forbidden",
        `${shown} leads out of the workspace.`,
        "Only what is in /workspace can be reached.",
      );
    case FAILED.special:
      return refuse("bad_request", `${shown} is neither a file nor a folder.`, "Name a file or a folder.");
    case FAILED.inTheWay:
      return refuse(
        "bad_request",
        `No folder can be made for ${shown}: a file is in its way.`,
        "Remove that file first.",
      );
    case FAILED.isFolder:
      return refuse(
        "bad_request",
        `${shown} is a folder: a file cannot take its place.`,
        "Name a file in it, or remove it first.",
      );
    default:
      return refuse(
        "docker",
        `The workspace did not do as it was asked with ${shown}: ${said.trim().slice(0, 200) || `exit code ${code}`}.`,
        "Check the permissions of the files there; slipway exec shows them.",
      );
  }
}
