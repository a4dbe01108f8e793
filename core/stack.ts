import { load } from "js-yaml";
import * as z from "zod";
import { SlipwayError } from "./errors.ts";
import { STACK_NAME } from "./manifest.ts";

/** A stack (docs/stacks.md): what a service runs on when its manifest names no image of its own. */

const vCommand = z.array(z.string()).min(1, "a program and its arguments, as a list");
const vAbsolutePath = z.string().regex(/^\/[A-Za-z0-9._/-]*$/, "an absolute path");

export const vStack = z.strictObject({
  name: z.string().regex(STACK_NAME, "lower-case letters, digits and -, at most 31"),
  /** One line for people. */
  about: z.string().min(1),
  /** A tag that scripts/images makes, or any image that can run as 1000:1000 on a read-only root. */
  image: z.string().min(1),
  /** TCP port that the program listens on, given to it as `PORT`. */
  port: z.int().min(1024, "a port that needs no privilege, 1024 to 65535").max(65535),
  /** Run in /workspace without a shell. `dev` and `deploy` serve until SIGTERM; `test` ends with 0 when all is well. */
  commands: z.strictObject({ dev: vCommand, test: vCommand, deploy: vCommand }),
  /** HTTP path that answers 2xx or 3xx once the program is ready. */
  ready: z.string().regex(/^\/\S*$/, "a path, like /health"),
  /** Docker's `test` of a health check; runs inside the container. */
  healthcheck: z.tuple([z.enum(["CMD", "CMD-SHELL"])], z.string()),
  /** Paths besides /tmp that must be writable, kept in memory. */
  writable: z.array(vAbsolutePath).default([]),
  environment: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "a variable name"), z.string())
    .default({}),
  /** A folder beside the stack's file that a new project's source is copied from. */
  starter: z.string().regex(/^starters\/[a-z][a-z0-9-]*$/, "starters/<name>"),
});

export type Stack = z.output<typeof vStack>;

/** Every stack that a host has, by name. */
export type Stacks = Record<string, Stack>;

/**
 * Reads a stack file.
 * @param file its name, for the error
 * @throws SlipwayError `setup`, naming the file, each path in it and what is allowed there
 */
export function parseStack(text: string, file: string): Stack {
  const parsed = vStack.safeParse(yamlOf(text, file));
  if (parsed.success) return parsed.data;
  throw refused(file, z.prettifyError(parsed.error), parsed.error.issues[0]?.path.join("."));
}

function yamlOf(text: string, file: string): unknown {
  try {
    return load(text);
  } catch (error) {
    throw refused(file, error instanceof Error ? error.message : String(error), undefined, error);
  }
}

function refused(file: string, problem: string, path?: string, cause?: unknown): SlipwayError {
  return new SlipwayError(
    {
      code: "setup",
      message: `The stack file ${file} is refused: ${problem}`,
      hint: "Correct it as docs/stacks.md says, then try again.",
      ...(path === undefined ? {} : { path }),
    },
    { cause },
  );
}
