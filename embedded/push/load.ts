/** Loads a pushed app: links its modules, evaluates them, and reads what they declare. */
import { ActionRuntime, type HttpRouter } from "../runtime/actions.ts";
import type { Deployment, LoadedApp } from "../runtime/app.ts";
import { parseCrons, type CronSpec } from "../runtime/crons.ts";
import { functionsOf, FunctionTable, type AppFunction } from "../runtime/functions.ts";
import { prepareCode, Realm } from "../runtime/realm.ts";
import { RealmPool } from "../runtime/realmPool.ts";
import { makeSchema, PushError, vSchema, type Schema } from "../runtime/schema.ts";
import { parseAuthConfig, type AuthConfig } from "../auth/providers.ts";
import * as z from "zod";
import { refuseUnsupported } from "./definition.ts";
import { CRONS_PATH, definesFunctions, HTTP_PATH, type AppModule, type AppSource } from "./app.ts";
import { linkActions, linkTransactions } from "./link.ts";

export interface LoadOptions {
  readonly env: () => Readonly<Record<string, string>>;
  readonly deployment: Deployment;
  readonly wallTimeoutMs: number;
}

/** `auth.config.ts` needs an environment variable that is not set; the text is Convex's. */
export class MissingVariableError extends PushError {
  constructor(readonly variable: string) {
    super(`Environment variable ${variable} is used in auth config file but its value was not set`);
  }
}

/** Evaluates one module on its own and returns its default export. */
async function evaluateDefault(
  module: AppModule,
  chunks: readonly AppModule[],
  options: LoadOptions,
): Promise<unknown> {
  const linked = await linkTransactions([module, ...chunks.filter((chunk) => !definesFunctions(chunk))]);
  const realm = new Realm(prepareCode(linked), options.env(), options.wallTimeoutMs);
  return realm.modules[module.path]?.["default"];
}

/** Evaluates `schema.ts`. @throws PushError when it is malformed. */
export async function loadSchema(source: AppSource, options: LoadOptions): Promise<Schema> {
  if (source.schema === null) return makeSchema(null);
  const exported = await evaluateDefault(source.schema, source.modules, options);
  const text = (exported as { export?: () => string } | undefined)?.export?.();
  if (text === undefined) throw new PushError("schema.ts must have `export default defineSchema({ … })`.");
  const parsed = vSchema.safeParse(JSON.parse(text));
  if (!parsed.success) throw new PushError(`schema.ts: ${z.prettifyError(parsed.error)}`);
  return makeSchema(parsed.data);
}

/** Evaluates `convex.config.ts`. @throws PushError when it asks for something that this backend does not have. */
async function checkDefinition(source: AppSource, options: LoadOptions): Promise<void> {
  if (source.definition === null) return;
  let exported: unknown;
  try {
    exported = await evaluateDefault(source.definition, [], options);
  } catch (error) {
    // What `app.use(component)` says where the component was not prepared by the CLI.
    if (!(error as Error).message.includes("componentDefinitionPath")) throw error;
    const text = "convex.config.ts: components are not supported by this backend. Remove them from the file.";
    throw new PushError(text, { cause: error });
  }
  refuseUnsupported(exported);
}

/**
 * Evaluates `auth.config.ts`, noting which environment variables it reads.
 * @throws MissingVariableError when it comes to nothing for want of one; PushError when it is malformed.
 */
export async function loadAuth(source: AppSource, options: LoadOptions): Promise<AuthConfig> {
  const reads = new Set<string>();
  if (source.authConfig === null) return { providers: [], reads };
  const env = options.env();
  const watched = new Proxy(Object.freeze({ ...env }), {
    get: (target, name) => {
      if (typeof name === "string") reads.add(name);
      return Reflect.get(target, name) as unknown;
    },
  });
  try {
    const exported = await evaluateDefault(source.authConfig, source.modules, {
      ...options,
      env: () => watched,
    });
    if (exported === undefined)
      throw new PushError("auth.config.ts must have `export default { providers: […] }`.");
    return { providers: parseAuthConfig(JSON.stringify(exported)), reads };
  } catch (error) {
    const missing = [...reads].find((name) => env[name] === undefined);
    if (missing !== undefined) throw new MissingVariableError(missing);
    throw error;
  }
}

function loadCrons(modules: Record<string, Record<string, unknown>>, functions: FunctionTable): CronSpec[] {
  const namespace = modules[CRONS_PATH];
  if (namespace === undefined) return [];
  const exported = namespace["default"] as { isCrons?: boolean; export?: () => string } | undefined;
  if (exported?.isCrons !== true || exported.export === undefined) {
    throw new PushError("crons.ts must have `export default cronJobs()`.");
  }
  const specs = parseCrons(exported.export(), Date.now());
  for (const { name, path } of specs) {
    if (!functions.has(path)) throw new PushError(`Cron job "${name}" calls ${path}, which does not exist.`);
  }
  return specs;
}

/** The app's HTTP router, or null. @throws PushError when `http.ts` exports something else. */
export function routerOf(modules: Record<string, Record<string, unknown>>): HttpRouter | null {
  const namespace = modules[HTTP_PATH];
  if (namespace === undefined) return null;
  const router = namespace["default"] as (HttpRouter & { isRouter?: boolean }) | undefined;
  if (router?.isRouter !== true)
    throw new PushError("http.ts must have `export default` of an `httpRouter()`.");
  return router;
}

function checkEnvironment(fn: AppFunction, environments: ReadonlyMap<string, string>): void {
  if (fn.kind !== "action" && environments.get(fn.module) === "node") {
    throw new PushError(
      `${fn.path} is a ${fn.kind} in a "use node" file: only actions can be defined there.`,
    );
  }
}

/**
 * Loads an app from its pushed modules.
 * @throws PushError when something in it cannot be loaded; nothing has changed then.
 */
export async function loadApp(source: AppSource, options: LoadOptions): Promise<LoadedApp> {
  try {
    const [transactions, actions, schema, auth] = await Promise.all([
      linkTransactions(source.modules),
      linkActions(source.modules),
      loadSchema(source, options),
      loadAuth(source, options),
      checkDefinition(source, options),
    ]);
    const runtime = new ActionRuntime(actions, options.env, source.nodeRoot, options.wallTimeoutMs);
    const environments = new Map(source.modules.map((module) => [module.path, module.environment]));
    const found = Object.entries(runtime.modules).flatMap(([module, namespace]) =>
      functionsOf(module, namespace),
    );
    for (const fn of found) checkEnvironment(fn, environments);
    const functions = new FunctionTable(found);
    const realms = new RealmPool(prepareCode(transactions), options.env, options.wallTimeoutMs);
    realms.take(0);
    const routes = routerOf(runtime.modules)?.getRoutes() ?? [];
    return {
      ...{ source, functions, schema, auth, realms, deployment: options.deployment },
      crons: loadCrons(runtime.modules, functions),
      httpRoutes: routes.map(([path, method]) => ({ path, method })),
      actions: runtime,
    };
  } catch (error) {
    if (error instanceof PushError) throw error;
    throw new PushError((error as Error).message, { cause: error });
  }
}
