/** One query sent as source text (`npx convex run --inline-query`), beside the functions of the app. */
import { fileURLToPath } from "node:url";
import { build, type BuildFailure, type Plugin } from "esbuild";
import type { LoadedApp } from "../runtime/app.ts";
import { functionsOf, FunctionTable } from "../runtime/functions.ts";
import { prepareCode } from "../runtime/realm.ts";
import { RealmPool } from "../runtime/realmPool.ts";
import { PushError } from "../runtime/schema.ts";
import type { AppModule } from "./app.ts";
import type { LoadOptions } from "./load.ts";
import { linkTransactions } from "./link.ts";

/** Where the module is put; no module of an app can have this path. */
const TEST_MODULE = "_repl/testQuery.js";
export const TEST_QUERY = `${TEST_MODULE}:default`;

const WRAPPERS = "convex:/_system/repl/wrappers.js";
const ALLOWED = ["convex/server", "convex/values"];

/** The module that Convex offers to such sources, with `query` and `internalQuery`. */
const wrappers: Plugin = {
  name: "wrappers",
  setup(setup) {
    setup.onResolve({ filter: /.*/ }, ({ path: name, kind, namespace, importer }) => {
      if (kind === "entry-point") return null;
      if (name === WRAPPERS) return { path: name, namespace: "wrappers" };
      // What the allowed packages import of their own is theirs to know.
      if (namespace === "file" && importer.includes("node_modules")) return null;
      if (ALLOWED.includes(name)) return null;
      return { errors: [{ text: `A query's source cannot import "${name}", only ${ALLOWED.join(", ")}` }] };
    });
    setup.onLoad({ filter: /.*/, namespace: "wrappers" }, () => ({
      contents: `export { queryGeneric as query, internalQueryGeneric as internalQuery } from "convex/server";`,
      resolveDir: fileURLToPath(new URL(".", import.meta.url)),
    }));
  },
};

async function bundleSource(source: string): Promise<AppModule> {
  const result = await build({
    stdin: {
      contents: source,
      sourcefile: "testQuery.js",
      resolveDir: fileURLToPath(new URL(".", import.meta.url)),
    },
    bundle: true,
    format: "esm",
    platform: "neutral",
    conditions: ["convex", "module"],
    target: "esnext",
    write: false,
    outfile: "out.js",
    sourcemap: "external",
    sourcesContent: false,
    plugins: [wrappers],
    logLevel: "silent",
  }).catch((error: unknown) => {
    const errors = (error as Partial<BuildFailure>).errors ?? [];
    const text = errors.map((each) => each.text).join("\n") || (error as Error).message;
    throw new PushError(`Could not load the query's source:\n${text}`, { cause: error });
  });
  const textOf = (suffix: string): string =>
    result.outputFiles.find((file) => file.path.endsWith(suffix))?.text ?? "";
  return {
    ...{ path: TEST_MODULE, source: textOf("out.js"), sourceMap: textOf("out.js.map") },
    environment: "isolate",
  };
}

/**
 * The app with one more query, `TEST_QUERY`.
 * @throws PushError when the source cannot be loaded or exports no query by default.
 */
export async function withTestQuery(
  app: LoadedApp,
  source: string,
  options: LoadOptions,
): Promise<LoadedApp> {
  const module = await bundleSource(source);
  const code = prepareCode(await linkTransactions([...app.source.modules, module]));
  const realms = new RealmPool(code, options.env, options.wallTimeoutMs);
  const load = (): Record<string, unknown> => {
    try {
      return realms.take(0).modules[TEST_MODULE] ?? {};
    } catch (error) {
      throw new PushError((error as Error).message, { cause: error });
    }
  };
  const found = functionsOf(TEST_MODULE, load());
  if (found.length !== 1 || found[0]!.path !== TEST_QUERY || found[0]!.kind !== "query")
    throw new PushError("The source must have one `export default query({ … })` and no other function.");
  return { ...app, realms, functions: new FunctionTable([...app.functions.all(), ...found]) };
}
