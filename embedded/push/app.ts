/** An app as it is pushed: bundled modules, in the form the Convex CLI sends them. */
import { createHash } from "node:crypto";
import * as z from "zod";

/** `isolate` runs in Convex's own runtime, `node` is a file with `"use node"`. */
export const vEnvironment = z.enum(["isolate", "node"]);

export const vModule = z.looseObject({
  path: z.string().regex(/^[A-Za-z0-9_./-]+\.js$/, "a relative path that ends with .js"),
  source: z.string(),
  sourceMap: z.string().nullish(),
  environment: vEnvironment,
});
export type AppModule = z.infer<typeof vModule>;

export interface AppSource {
  /** Function modules and the chunks they share (`_deps/…`). */
  readonly modules: readonly AppModule[];
  readonly schema: AppModule | null;
  readonly authConfig: AppModule | null;
  /** `convex.config.ts`, only to see that it asks for nothing that is not supported; it is not kept. */
  readonly definition: AppModule | null;
  /** Where `"use node"` files find packages that were not bundled; null for an app pushed over the network. */
  readonly nodeRoot: string | null;
  /** The functions folder as `convex.json` names it, `convex/`; only the CLI wants to know. */
  readonly functionsDir: string;
}

export const DEFAULT_FUNCTIONS_DIR = "convex/";

/** A module's hash as the CLI computes it, to leave out of a push what is here already. */
export const moduleHash = ({ source, sourceMap }: AppModule): string =>
  createHash("sha256")
    .update(source)
    .update(sourceMap ?? "")
    .digest("hex");

/** True for a module that defines functions, rather than a chunk that others import. */
export const definesFunctions = (module: AppModule): boolean => !module.path.startsWith("_deps/");

/** The paths that each app may have once, with a meaning of their own. */
export const AUTH_CONFIG_PATH = "auth.config.js";
export const DEFINITION_PATH = "convex.config.js";
export const SCHEMA_PATH = "schema.js";
export const HTTP_PATH = "http.js";
export const CRONS_PATH = "crons.js";
