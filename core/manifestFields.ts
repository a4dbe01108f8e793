import * as z from "zod";
import { parseMemory } from "./units.ts";

/** What the manifest's parts have in common: names, sizes and variables, each with the words that refuse it. */

export const STACK_NAME = /^[a-z][a-z0-9-]{0,30}$/;
export const SERVICE_NAME = /^[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?$/;
export const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
export const IMAGE = /^[a-z0-9][a-z0-9._/:@-]{0,254}$/i;

/** Variables that Slipway sets itself, so that a service can trust them. */
export const RESERVED_VARIABLE = /^(SLIPWAY_.*|PORT)$/;

const MEBIBYTE = 1024 ** 2;
export const LIMITS = {
  cpus: { least: 0.1, most: 64 },
  memoryBytes: { least: 64 * MEBIBYTE, most: 1024 ** 4 },
  diskBytes: { least: 16 * MEBIBYTE, most: 16 * 1024 ** 4 },
  testTimeoutMs: { least: 1000, most: 24 * 3_600_000 },
  replicas: { least: 1, most: 16 },
  services: 16,
  variables: 128,
  variableLength: 8192,
} as const;

export const vCpus = z
  .number({ error: "a number of CPUs, like 0.5 or 2" })
  .min(LIMITS.cpus.least, `at least ${LIMITS.cpus.least} CPU`)
  .max(LIMITS.cpus.most, `at most ${LIMITS.cpus.most} CPUs`);

export const vMemory = z
  .string({ error: "a size with its unit, like 512m or 2g" })
  .superRefine((text, context) => {
    const bytes = parseMemory(text);
    if (bytes === null)
      context.addIssue({ code: "custom", message: "a size with its unit, like 512m or 2g" });
    else if (bytes < LIMITS.memoryBytes.least) context.addIssue({ code: "custom", message: "at least 64m" });
    else if (bytes > LIMITS.memoryBytes.most) context.addIssue({ code: "custom", message: "at most 1024g" });
  });

/** The size of a volume, with its unit. */
export const vDisk = z
  .string({ error: "a size with its unit, like 500m or 10g" })
  .superRefine((text, context) => {
    const bytes = parseMemory(text);
    if (bytes === null)
      context.addIssue({ code: "custom", message: "a size with its unit, like 500m or 10g" });
    else if (bytes < LIMITS.diskBytes.least) context.addIssue({ code: "custom", message: "at least 16m" });
    else if (bytes > LIMITS.diskBytes.most) context.addIssue({ code: "custom", message: "at most 16384g" });
  });

export const vVariables = z
  .record(
    z.string().regex(VARIABLE_NAME, "a variable name: letters, digits and _, not starting with a digit"),
    z
      .union([z.string(), z.number(), z.boolean()], { error: "text, a number, true or false" })
      .transform(String)
      .pipe(z.string().max(LIMITS.variableLength, `at most ${LIMITS.variableLength} characters`)),
  )
  .superRefine((variables, context) => {
    const names = Object.keys(variables);
    if (names.length > LIMITS.variables) {
      context.addIssue({ code: "custom", message: `at most ${LIMITS.variables} variables` });
    }
    for (const name of names.filter((name) => RESERVED_VARIABLE.test(name))) {
      context.addIssue({ code: "custom", path: [name], message: "a name that Slipway does not set itself" });
    }
  });
