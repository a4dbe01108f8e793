/** Links pushed ES modules into one script, because a script can run where ES modules cannot: in a bare VM context. */
import path from "node:path";
import { build, type BuildFailure, type Plugin } from "esbuild";
import { PushError } from "../runtime/schema.ts";
import { definesFunctions, type AppModule } from "./app.ts";

export interface LinkedScript {
  /** A function body's worth of code that leaves the modules in `__modules`: path → namespace. */
  readonly code: string;
  /** The source map's JSON text. */
  readonly map: string;
}

/** Serves the pushed modules to esbuild from memory; what is not among them is left to `require`. */
function fromMemory(modules: readonly AppModule[], allowExternal: boolean): Plugin {
  const byPath = new Map(modules.map((module) => [module.path, module]));
  return {
    name: "pushed-modules",
    setup(setup) {
      setup.onResolve({ filter: /.*/ }, ({ path: name, importer, namespace, kind }) => {
        if (kind === "entry-point") return null;
        if (name.startsWith(".")) {
          const from = namespace === "pushed" ? path.posix.dirname(importer) : ".";
          const resolved = path.posix.normalize(path.posix.join(from, name));
          if (byPath.has(resolved)) return { path: resolved, namespace: "pushed" };
        }
        if (allowExternal && !name.startsWith(".")) return { path: name, external: true };
        return {
          errors: [
            { text: `Module "${name}" (imported by ${importer}) is not available in Convex's runtime` },
          ],
        };
      });
      setup.onLoad({ filter: /.*/, namespace: "pushed" }, ({ path: name }) => {
        const module = byPath.get(name)!;
        const body = module.source.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n");
        const map = module.sourceMap
          ? `\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(module.sourceMap).toString("base64")}`
          : "";
        return { contents: body + map, loader: "js" };
      });
    },
  };
}

async function link(
  modules: readonly AppModule[],
  format: "iife" | "cjs",
  allowExternal: boolean,
): Promise<LinkedScript> {
  const entries = modules.filter(definesFunctions);
  const entry = [
    ...entries.map(({ path: name }, i) => `import * as m${i} from ${JSON.stringify(`./${name}`)};`),
    `__modules = {${entries.map(({ path: name }, i) => `${JSON.stringify(name)}: m${i}`).join(", ")}};`,
  ].join("\n");
  const result = await build({
    stdin: { contents: entry, sourcefile: "entry.js", resolveDir: "/" },
    bundle: true,
    format,
    platform: allowExternal ? "node" : "neutral",
    target: "esnext",
    outfile: "linked.js",
    write: false,
    sourcemap: "external",
    sourcesContent: false,
    keepNames: false,
    plugins: [fromMemory(modules, allowExternal)],
    logLevel: "silent",
  }).catch((error: unknown) => {
    const errors = (error as Partial<BuildFailure>).errors ?? [];
    const text = errors.map((each) => each.text).join("\n") || (error as Error).message;
    throw new PushError(`Could not load the pushed modules:\n${text}`, { cause: error });
  });
  const find = (suffix: string): string =>
    result.outputFiles.find((file) => file.path.endsWith(suffix))?.text ?? "";
  return { code: find("linked.js"), map: find("linked.js.map") };
}

/** The script for queries and mutations: only modules of Convex's own runtime, nothing external. */
export const linkTransactions = (modules: readonly AppModule[]): Promise<LinkedScript> =>
  link(
    modules.filter((module) => module.environment === "isolate"),
    "iife",
    false,
  );

/** The script for actions and HTTP actions: every module; packages and Node's own modules by `require`. */
export const linkActions = (modules: readonly AppModule[]): Promise<LinkedScript> =>
  link(modules, "cjs", true);
