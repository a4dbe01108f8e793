/** Bundles a `convex/` folder as the Convex CLI does: the same entry points, conditions and chunks. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { build, type BuildFailure, type Platform, type Plugin } from "esbuild";
import * as z from "zod";
import { PushError } from "../runtime/schema.ts";
import { AUTH_CONFIG_PATH, DEFINITION_PATH, SCHEMA_PATH, type AppModule, type AppSource } from "./app.ts";

const ENTRY_EXTENSIONS = [".js", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".jsx"];

function walk(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const child = path.join(dir, entry.name);
      if (entry.isFile()) return [child];
      if (!entry.isDirectory() || entry.name === "node_modules") return [];
      return existsSync(path.join(child, "convex.config.ts")) ? [] : walk(child);
    });
}

function isEntryPoint(dir: string, file: string): boolean {
  const relative = path.relative(dir, file).split(path.sep).join("/");
  const base = path.basename(file);
  if (!ENTRY_EXTENSIONS.some((extension) => relative.endsWith(extension))) return false;
  if (relative.startsWith("_generated/") || relative.includes(" ")) return false;
  if (base.startsWith(".") || base.startsWith("#") || base === "schema.ts" || base === "schema.js")
    return false;
  // Two dots: *.config.ts, *.test.ts, *.spec.ts, *.d.ts.
  if (base.split(".").length > 2) return false;
  return !/\.tsx?$/.test(file) || /^\s{0,100}(import|export)/m.test(readFileSync(file, "utf8"));
}

/** `"use node"` counts only among the file's directives, before any statement. */
export function usesNode(source: string): boolean {
  const leading =
    /^(?:\s+|\/\/[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/|#![^\n]*\n|(["'])use (?!node\1)[a-z ]+\1\s*;?)*(["'])use node\2/;
  return source.includes("use node") && leading.test(source);
}

const serverOnly: Plugin = {
  name: "server-only",
  setup(setup) {
    setup.onResolve({ filter: /^server-only$/ }, ({ path: name }) => ({ path: name, namespace: "empty" }));
    setup.onLoad({ filter: /.*/, namespace: "empty" }, () => ({ contents: "", loader: "js" }));
  },
};

/** Convex's runtime offers AsyncLocalStorage as a global. */
const asyncHooks: Plugin = {
  name: "async-hooks",
  setup(setup) {
    setup.onResolve({ filter: /^(node:)?async_hooks$/ }, ({ path: name }) => ({
      path: name,
      namespace: "hooks",
    }));
    setup.onLoad({ filter: /.*/, namespace: "hooks" }, () => ({
      contents: `export const AsyncLocalStorage = globalThis.AsyncLocalStorage;
        export const AsyncResource = globalThis.AsyncResource;
        export default { AsyncLocalStorage, AsyncResource };`,
      loader: "js",
    }));
  },
};

function explainFailure(error: unknown): string {
  const failure = error as Partial<BuildFailure>;
  if (!Array.isArray(failure.errors)) return (error as Error).message;
  return failure.errors
    .map(({ text, location }) =>
      location ? `${location.file}:${location.line}:${location.column}: ${text}` : text,
    )
    .join("\n");
}

const vProjectConfig = z.looseObject({
  node: z.looseObject({ externalPackages: z.array(z.string()).optional() }).optional(),
});

/** Packages that `convex.json` keeps out of `"use node"` bundles (native ones, say); they are loaded where installed. */
function externalPackages(dir: string): string[] {
  const file = path.join(path.dirname(dir), "convex.json");
  if (!existsSync(file)) return [];
  try {
    const config = vProjectConfig.parse(JSON.parse(readFileSync(file, "utf8")));
    const names = config.node?.externalPackages ?? [];
    if (!names.includes("*")) return names;
  } catch (error) {
    throw new PushError(`${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  throw new PushError(
    `${file}: name the external packages one by one; "*" is not supported by this backend.`,
  );
}

async function bundleFiles(
  dir: string,
  entryPoints: string[],
  platform: Platform,
  chunks: string | null,
): Promise<AppModule[]> {
  if (entryPoints.length === 0) return [];
  const result = await build({
    entryPoints,
    bundle: true,
    platform,
    format: "esm",
    target: "esnext",
    jsx: "automatic",
    outdir: "out",
    outbase: dir,
    absWorkingDir: path.dirname(dir),
    conditions: ["convex", "module"],
    plugins: platform === "node" ? [serverOnly] : [serverOnly, asyncHooks],
    external: platform === "node" ? externalPackages(dir) : [],
    write: false,
    sourcemap: true,
    sourcesContent: false,
    splitting: chunks !== null,
    chunkNames: `${chunks ?? "_deps"}/[hash]`,
    treeShaking: true,
    keepNames: true,
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "silent",
  }).catch((error: unknown) => {
    throw new PushError(`Could not bundle ${dir}:\n${explainFailure(error)}`, { cause: error });
  });
  const out = path.join(path.dirname(dir), "out");
  const texts = new Map(
    result.outputFiles.map((file) => [path.relative(out, file.path).split(path.sep).join("/"), file.text]),
  );
  return [...texts]
    .filter(([name]) => !name.endsWith(".map"))
    .map(([name, source]) => ({
      path: name,
      source,
      sourceMap: texts.get(`${name}.map`) ?? null,
      environment: platform === "node" ? ("node" as const) : ("isolate" as const),
    }));
}

async function bundleAlone(dir: string, name: string): Promise<AppModule | null> {
  const file = [`${name}.ts`, `${name}.js`]
    .map((base) => path.join(dir, base))
    .find((found) => existsSync(found));
  if (file === undefined) return null;
  const modules = await bundleFiles(dir, [file], "browser", null);
  return modules[0] ?? null;
}

const MUST_BE_ISOLATE = new Set(["http", "crons", "schema", "auth.config"]);

/**
 * Reads and bundles the app in `convexDir` (the folder with `schema.ts` and the functions).
 * @throws PushError when it cannot be bundled.
 */
export async function bundleApp(convexDir: string): Promise<AppSource> {
  const dir = path.resolve(convexDir);
  if (!existsSync(dir))
    throw new PushError(`There is no folder ${dir}. Give the app's functions folder as --dir.`);
  const entryPoints = walk(dir).filter((file) => isEntryPoint(dir, file));
  const node = entryPoints.filter((file) => usesNode(readFileSync(file, "utf8")));
  for (const file of node) {
    const name = path.relative(dir, file).replace(/\.[^/.]+$/, "");
    if (MUST_BE_ISOLATE.has(name)) throw new PushError(`"use node" directive is not allowed for ${name}.`);
  }
  const isolate = entryPoints.filter((file) => !node.includes(file));
  const [isolateModules, nodeModules, schema, authConfig, definition] = await Promise.all([
    bundleFiles(dir, isolate, "browser", "_deps"),
    bundleFiles(dir, node, "node", "_deps/node"),
    bundleAlone(dir, SCHEMA_PATH.replace(/\.js$/, "")),
    bundleAlone(dir, AUTH_CONFIG_PATH.replace(/\.js$/, "")),
    bundleAlone(dir, DEFINITION_PATH.replace(/\.js$/, "")),
  ]);
  return {
    modules: [...isolateModules, ...nodeModules],
    ...{ schema, authConfig, definition, nodeRoot: dir, functionsDir: `${path.basename(dir)}/` },
  };
}
