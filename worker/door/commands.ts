import { randomBytes } from "node:crypto";
import { SlipwayError } from "../../core/errors.ts";
import type { EnvironmentKind } from "../../core/lifecycle.ts";
import { LABELS } from "../../core/labels.ts";
import { pause, type Clock } from "../clock.ts";
import type { Engine, EngineContainer } from "../engine/engine.ts";
import type { ExecEngine, ExecSession, TerminalSize } from "../engine/execEngine.ts";
import { SIGNAL } from "./workspaceScripts.ts";

const UNPRIVILEGED = "1000:1000";
/** In the environment of a command and of all that it starts: by this they are found to be ended. */
const MARK = "SLIPWAY_EXEC";
const MARK_BYTES = 16;
/** How long a command has to end by itself once nobody listens any more, and how often it is looked at. */
const GRACE_MS = 3_000;
const LOOK_MS = 100;
const LIMITS = { words: 1024, bytes: 128 * 1024 };

export type RunRequest = {
  namespace: string;
  kind: EnvironmentKind;
  /** Undefined: the only one, or `app`. */
  service: string | undefined;
  command: string[];
  tty: TerminalSize | null;
  /** What a terminal's TERM says. */
  term?: string;
};

export type Run = {
  session: ExecSession;
  /** Once its output has ended. */
  exitCode(): Promise<number>;
  /** Ends the command and all that it started: asks them to, and after a while makes them. */
  end(): Promise<void>;
};

/** Commands of users, in the containers of their services: as the services' own user, with no more rights than they. */
export class Commands {
  constructor(
    private readonly engine: Pick<Engine, "listContainers">,
    private readonly commands: ExecEngine,
    private readonly instanceId: string,
    private readonly clock: Clock,
  ) {}

  /** @throws SlipwayError `not_found` where nothing runs, `bad_request` for a command that is none */
  async run(request: RunRequest): Promise<Run> {
    const { command, tty } = request;
    checkCommand(command);
    const container = await this.containerOf(request);
    const mark = randomBytes(MARK_BYTES).toString("hex");
    const session = await this.commands.exec({
      container,
      command,
      user: UNPRIVILEGED,
      workingDir: null,
      environment: { [MARK]: mark, ...(tty && { TERM: termOf(request.term) }) },
      tty,
    });
    return {
      session,
      exitCode: async () => {
        for (;;) {
          const { running, exitCode } = await session.state();
          if (!running) return exitCode ?? -1;
          await pause(this.clock, LOOK_MS);
        }
      },
      end: async () => {
        session.close();
        const still = async () => (await session.state().catch(() => null))?.running === true;
        if (tty) await this.signal(container, mark, "HUP");
        await this.signal(container, mark, "TERM");
        for (let waited = 0; waited < GRACE_MS && (await still()); waited += LOOK_MS) {
          await pause(this.clock, LOOK_MS);
        }
        // Whatever it left behind goes too, whether or not it has ended itself.
        await this.signal(container, mark, "KILL");
      },
    };
  }

  /** Docker ends no command whose caller is gone, so it is done from inside the container. */
  private async signal(container: string, mark: string, name: "HUP" | "TERM" | "KILL"): Promise<void> {
    try {
      const session = await this.commands.exec({
        container,
        command: ["sh", "-c", SIGNAL, "sh", `${MARK}=${mark}`, name],
        user: UNPRIVILEGED,
        workingDir: "/",
        environment: {},
        tty: null,
      });
      session.stdin.end();
      for await (const _ of session.output());
      session.close();
    } catch {
      // The container has ended, and the command with it.
    }
  }

  private async containerOf({ namespace, kind, service }: RunRequest): Promise<string> {
    const all = await this.engine.listContainers({ instanceId: this.instanceId, namespace });
    const here = all.filter(
      ({ labels }) => labels[LABELS.environment] === kind && labels[LABELS.service] !== undefined,
    );
    const names = [...new Set(here.map(({ labels }) => labels[LABELS.service]!))].sort();
    const own = [
      ...new Set(
        here.filter(({ labels }) => !labels[LABELS.role]).map(({ labels }) => labels[LABELS.service]!),
      ),
    ];
    const wanted = service ?? (own.length === 1 ? own[0] : own.includes("app") ? "app" : undefined);
    if (wanted === undefined && names.length > 0) {
      throw new SlipwayError({
        code: "bad_request",
        message: `${kind} has several services: say which one.`,
        path: "service",
        hint: "Add --service <name>.",
        allowed: names,
      });
    }
    const replicas = here.filter(({ labels }) => labels[LABELS.service] === wanted);
    const running = replicas.filter(({ state }) => state === "running").sort(byReplica)[0];
    if (running) return running.id;
    const state = replicas[0]?.state;
    throw new SlipwayError({
      code: "not_found",
      message:
        state === undefined
          ? `There is no container of ${wanted ?? "any service"} in ${kind}.`
          : `The container of ${wanted} in ${kind} does not run: it is ${state}.`,
      hint:
        state === undefined
          ? "slipway status shows what runs."
          : "A command needs a running container; files can be reached without one (slipway files).",
      ...(names.length > 0 && { allowed: names }),
    });
  }
}

function byReplica(one: EngineContainer, other: EngineContainer): number {
  return Number(one.labels[LABELS.replica] ?? 1) - Number(other.labels[LABELS.replica] ?? 1);
}

function checkCommand(command: string[]): void {
  const bytes = command.reduce((sum, word) => sum + Buffer.byteLength(word), 0);
  const whole = command.every((word) => !word.includes("\0"));
  if (
    command.length >= 1 &&
    command[0] !== "" &&
    command.length <= LIMITS.words &&
    bytes <= LIMITS.bytes &&
    whole
  )
    return;
  throw new SlipwayError({
    code: "bad_request",
    message: `A command has 1 to ${LIMITS.words} words and at most ${LIMITS.bytes / 1024} KiB, without NUL characters.`,
    path: "command",
  });
}

function termOf(text: string | undefined): string {
  return text !== undefined && /^[a-z0-9][a-z0-9._+-]{0,31}$/i.test(text) ? text : "xterm-256color";
}

/** What the audit keeps of a command: the program's name. Its arguments may hold what nobody should read. */
export function programName(command: readonly string[]): string {
  const word = command[0] ?? "";
  return (
    word
      .slice(word.lastIndexOf("/") + 1)
      .replace(/[^\x20-\x7e]/g, "?")
      .slice(0, 80) || "a command"
  );
}
