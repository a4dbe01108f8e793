/** `node scripts/run.mjs embedded/main.ts --dir convex --db data/slipway.db --port 3210`: the embedded backend as a process. */
import { readFileSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "commander";
import { stderrLogger, type LogLevel } from "./log.ts";
import { PushError } from "./runtime/schema.ts";
import { startBackend } from "./server.ts";
import { DatabaseRefusedError } from "./storage/errors.ts";
import type { Durability } from "./storage/format.ts";

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError("A port is a number from 0 to 65535; 0 takes a free one.");
}

function collectEnv(text: string, known: Record<string, string>): Record<string, string> {
  const equals = text.indexOf("=");
  if (equals < 1) throw new InvalidArgumentError("Write it as NAME=value.");
  return { ...known, [text.slice(0, equals)]: text.slice(equals + 1) };
}

/** Takes a variable out of this process's own environment, where no other user can read it, unlike an argument. */
function takeSecret(name: string, known: Record<string, string>): Record<string, string> {
  const value = process.env[name];
  if (value === undefined)
    throw new InvalidArgumentError(`This process has no environment variable ${name}.`);
  delete process.env[name];
  return { ...known, [name]: value };
}

/** Reads `NAME=value` lines; `#` begins a comment line, quotes around a value are dropped. */
function readEnvFile(path: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [i, line] of readFileSync(path, "utf8").split("\n").entries()) {
    const text = line.trim();
    if (text === "" || text.startsWith("#")) continue;
    const equals = text.indexOf("=");
    if (equals < 1) throw new Error(`${path}:${i + 1}: expected NAME=value.`);
    const value = text.slice(equals + 1).trim();
    const quoted = /^"(.*)"$|^'(.*)'$/s.exec(value);
    out[text.slice(0, equals).trim()] = quoted === null ? value : (quoted[1] ?? quoted[2] ?? "");
  }
  return out;
}

interface Flags {
  dir?: string;
  db: string;
  host: string;
  port: number;
  sitePort?: number;
  adminKeyFile?: string;
  env: Record<string, string>;
  secretEnv: Record<string, string>;
  envFile?: string;
  cloudOrigin?: string;
  siteOrigin?: string;
  durability: Durability;
  logLevel: LogLevel;
}

const program = new Command("embedded")
  .description("An embedded Convex-compatible backend in one process and one SQLite file.")
  .option("--dir <folder>", "the app's functions folder; without it, what was pushed last is served")
  .requiredOption("--db <file>", "the database file")
  .option("--port <number>", "the API's port; 0 takes a free one", parsePort, 3210)
  .option("--site-port <number>", "the port of the app's HTTP actions (also served under /http)", parsePort)
  .option("--host <address>", "the address to listen on", "127.0.0.1")
  .option("--admin-key-file <file>", "a file with the admin key; without it no admin key is accepted")
  .option("--env <NAME=value>", "an environment variable of the app; may be repeated", collectEnv, {})
  .option(
    "--secret-env <NAME>",
    "an environment variable of the app that this process has, kept in memory alone; may be repeated",
    takeSecret,
    {},
  )
  .option("--env-file <file>", "environment variables of the app as NAME=value lines")
  .option("--cloud-origin <url>", "the API's address as clients use it")
  .option("--site-origin <url>", "the HTTP actions' address as clients use it")
  .addOption(
    new Option("--durability <mode>", "how commits reach the disk")
      .choices(["full", "normal"])
      .default("full"),
  )
  .addOption(
    new Option("--log-level <level>", "the least important log line to print")
      .choices(["debug", "info", "warn", "error"])
      .default("info"),
  )
  .parse();

const flags = program.opts<Flags>();
const log = stderrLogger(flags.logLevel);

try {
  const { adminKeyFile, envFile, dir, db, sitePort, env, ...rest } = flags;
  const adminKey = adminKeyFile === undefined ? undefined : readFileSync(adminKeyFile, "utf8").trim();
  if (adminKey === "") throw new Error(`${adminKeyFile} is empty; it must hold the admin key.`);
  const running = await startBackend({
    ...rest,
    dir: dir ?? null,
    dbPath: db,
    sitePort: sitePort ?? null,
    env: { ...(envFile === undefined ? {} : readEnvFile(envFile)), ...env },
    ...(adminKey === undefined ? {} : { adminKey }),
    log,
  });
  const { url, siteUrl } = running;
  process.stdout.write(`${JSON.stringify({ event: "ready", url, siteUrl, pid: process.pid })}\n`);
  const stop = (): void => {
    running.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log("error", "backend.stopFailed", { message: (error as Error).message });
        process.exit(1);
      },
    );
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  // What an action leaves behind unhandled must not end the server for everybody else.
  process.on("unhandledRejection", (reason) =>
    log("error", "unhandledRejection", { message: String(reason) }),
  );
  process.on("uncaughtException", (error) => log("error", "uncaughtException", { message: error.message }));
} catch (error) {
  const expected = error instanceof DatabaseRefusedError || error instanceof PushError;
  const code = (error as NodeJS.ErrnoException).code;
  const message = code === "EADDRINUSE" ? `Port ${flags.port} is in use.` : (error as Error).message;
  log("error", "backend.startFailed", { message, ...(expected ? { kind: error.name } : {}) });
  process.exit(1);
}
