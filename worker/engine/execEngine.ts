import type { Duplex, Readable } from "node:stream";

/** Commands in running containers, and files put into them so that nothing is silently taken away. */
export interface ExecEngine {
  /**
   * Starts a command. With `tty` both outputs are one.
   * @throws EngineError where the container does not run, or the command cannot be started
   */
  exec(request: ExecRequest): Promise<ExecSession>;
  /** Unpacks a tar below `path`; a file never takes a folder's place, nor a folder a file's. */
  mergeArchive(container: string, path: string, tar: Readable): Promise<void>;
}

export type ExecRequest = {
  container: string;
  command: string[];
  /** `uid:gid` */
  user: string;
  /** Null: the container's own. */
  workingDir: string | null;
  environment: Record<string, string>;
  tty: TerminalSize | null;
};

export type TerminalSize = { columns: number; rows: number };

export type ExecOutput = { stream: "stdout" | "stderr"; bytes: Buffer };

export interface ExecSession {
  /** To be written to as stdin and ended, and not to be read: `output` does that. */
  readonly stdin: Duplex;
  /** What it writes, no faster than it is taken. Ends with the command, and with whoever has inherited its output. */
  output(): AsyncIterable<ExecOutput>;
  resize(size: TerminalSize): Promise<void>;
  /** Whether the command itself still runs, and what it ended with. */
  state(): Promise<{ running: boolean; exitCode: number | null }>;
  /** Lets go of both directions. Docker lets the command run on. */
  close(): void;
}
