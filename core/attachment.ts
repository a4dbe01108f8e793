import { load } from "js-yaml";
import * as z from "zod";
import { SlipwayError } from "./errors.ts";
import { IMAGE, STACK_NAME, VARIABLE_NAME } from "./manifestFields.ts";

/**
 * What Slipway knows of a kind of attachment (docs/attachments.md): which images are of that kind, how they are run, and
 * what services are told of them. Text may hold `{host}`, `{port}`, and `{…}` with the name of a credential, which is made
 * for it, like `{password}`.
 */

const vAbsolutePath = z.string().regex(/^\/[A-Za-z0-9._/-]*$/, "an absolute path");
const vUser = z.string().regex(/^\d{1,9}:\d{1,9}$/, "a user and group by number, like 1000:1000");
const vText = z.string().max(4096);
const vVariables = z.record(z.string().regex(VARIABLE_NAME, "a variable name"), vText);
const vDuration = z.string().regex(/^\d+s$/, "seconds, like 30s");
const vPattern = z.string().refine((text) => {
  try {
    return Boolean(new RegExp(text));
  } catch {
    return false;
  }
}, "a regular expression");

/** How it is run; these are all the exceptions to the isolation that there can be. */
const runFields = {
  /** Another image in its place, `{tag}` for the tag. */
  image: z.string().min(1),
  /** Instead of 1000:1000, where the image works as no other user. */
  user: vUser,
  /** Each gets a volume of its own. */
  data: z.array(vAbsolutePath).min(1),
  /** Paths besides /tmp that must be writable, kept in memory. */
  writable: z.array(vAbsolutePath),
  command: z.array(vText).min(1),
  environment: vVariables,
};

export const vAttachmentDefinition = z.strictObject({
  name: z.string().regex(STACK_NAME, "lower-case letters, digits and -, at most 31"),
  /** One line for people. */
  about: z.string().min(1),
  /** The last part of an image's name, without its tag. */
  names: z.array(z.string().min(1)).min(1),
  /** TCP port that it listens on once it can be used. */
  port: z.int().min(1).max(65535),
  ...z.object(runFields).partial().extend({ data: runFields.data }).shape,
  stopSignal: z
    .string()
    .regex(/^SIG[A-Z0-9]+$/, "a signal, like SIGINT")
    .optional(),
  /** How long it may take to end; Docker kills it then. */
  stopGrace: vDuration.default("30s"),
  /** Docker's `test` of a health check; runs inside the container. */
  healthcheck: z.tuple([z.enum(["CMD", "CMD-SHELL"])], vText),
  healthTimeout: vDuration.default("5s"),
  /** How services get in. */
  access: z.strictObject({ user: vText, password: vText, name: vText }).partial().default({}),
  url: vText,
  /** Variables by the names that people expect; of several attachments that give one, the first does. `{url}` is the above. */
  variables: vVariables,
  /** Each that fits changes how the image is run, in this order. */
  variants: z
    .array(
      z.strictObject({
        /** The image's name without its tag; without it, any. */
        of: z.string().min(1).optional(),
        /** Matched with the tag, which is empty where the image has none. */
        tag: vPattern.optional(),
        ...z.object(runFields).partial().shape,
      }),
    )
    .default([]),
});

export type AttachmentDefinition = z.output<typeof vAttachmentDefinition>;
/** Every definition that a host has, by name. */
export type AttachmentDefinitions = Record<string, AttachmentDefinition>;

/** How one attachment's image is run. */
export type AttachmentRun = {
  image: string;
  user: string;
  data: string[];
  writable: string[];
  command: string[] | null;
  environment: Record<string, string>;
};

/** The user of everything that no definition says another of. */
export const UNPRIVILEGED_USER = "1000:1000";
/** Where an image of which nothing is known most likely keeps its data, besides what it declares. */
export const DATA_PATH = "/data";

/** What is known of an image; null: nothing. */
export function definitionOf(definitions: AttachmentDefinitions, image: string): AttachmentDefinition | null {
  const last = splitImage(image).repository.split("/").at(-1)!;
  return Object.values(definitions).find(({ names }) => names.includes(last)) ?? null;
}

/** How `image` is run as its definition says. */
export function runOf(definition: AttachmentDefinition, image: string): AttachmentRun {
  const { repository, tag } = splitImage(image);
  const fitting = definition.variants.filter(
    ({ of, tag: pattern }) =>
      (of === undefined || of === repository) && (pattern === undefined || new RegExp(pattern).test(tag)),
  );
  const merged = [definition, ...fitting].reduce<Partial<AttachmentRun>>(
    (run, { image, user, data, writable, command, environment }) => ({
      ...run,
      ...(image && { image }),
      ...(user && { user }),
      ...(data && { data }),
      ...(writable && { writable }),
      ...(command && { command }),
      environment: { ...run.environment, ...environment },
    }),
    {},
  );
  return {
    user: UNPRIVILEGED_USER,
    data: definition.data,
    writable: [],
    command: null,
    environment: {},
    ...merged,
    image: merged.image?.replaceAll("{tag}", tag) ?? image,
  };
}

/** `docker.io/library/postgres:15@sha256:…` → `postgres`, `15` */
export function splitImage(image: string): { repository: string; tag: string } {
  const [named = image] = image.split("@");
  const colon = named.lastIndexOf(":");
  const tagged = colon > named.lastIndexOf("/");
  return {
    repository: (tagged ? named.slice(0, colon) : named)
      .replace(/^docker\.io\//, "")
      .replace(/^library\//, ""),
    tag: tagged ? named.slice(colon + 1) : "",
  };
}

/**
 * Reads a definition.
 * @param file its name, for the error
 * @throws SlipwayError `setup`, naming the file, each path in it and what is allowed there
 */
export function parseAttachmentDefinition(text: string, file: string): AttachmentDefinition {
  let written: unknown;
  try {
    written = load(text);
  } catch (error) {
    throw refused(file, error instanceof Error ? error.message : String(error), error);
  }
  const parsed = vAttachmentDefinition.safeParse(written);
  if (!parsed.success) throw refused(file, z.prettifyError(parsed.error));
  const { variants, image } = parsed.data;
  const named = [image, ...variants.map((variant) => variant.image)].find(
    (name) => name !== undefined && !IMAGE.test(name.replaceAll("{tag}", "1")),
  );
  if (named !== undefined) throw refused(file, `image: "${named}" is no image's name`);
  return parsed.data;
}

function refused(file: string, problem: string, cause?: unknown): SlipwayError {
  return new SlipwayError(
    {
      code: "setup",
      message: `The attachment file ${file} is refused: ${problem}`,
      hint: "Correct it as docs/attachments.md says, then try again.",
    },
    { cause },
  );
}
