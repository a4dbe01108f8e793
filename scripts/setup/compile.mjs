/** Makes one file of JavaScript (and its lazy parts) of a TypeScript program, once for each state of its sources. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

/** They find files of their own beside themselves, or are machine code. */
const LEFT_OUTSIDE = ["esbuild", "libsql", "playwright-core", "vite"];

/**
 * Modules of dockerode's, a function or a table of them each, that bring gRPC, protobuf and SSH with them: hundreds of files
 * which no call of ours needs. They stay where they are, because they find files beside themselves, and are loaded when
 * they are first called.
 */
const LOADED_WHEN_CALLED = /\/node_modules\/(dockerode\/lib\/(session|buildkit)|docker-modem\/lib\/ssh)\.js$/;

/** A process that was started before its sources changed may still load a lazy part of its own build. */
const BUILDS_KEPT = 8;

/**
 * @param root folder of package.json; builds are kept in its node_modules, so that new packages mean new builds
 * @param file absolute path of the program
 * @returns absolute path of the JavaScript to import. Throws what is wrong with a source, as esbuild says it.
 */
export async function compile(root, file) {
  const name = path.relative(root, file).replaceAll(/[^A-Za-z0-9.]+/g, "-");
  const folder = path.join(root, "node_modules/.cache/slipway", name);
  const newest = path.join(folder, "newest.json");
  const known = readBuild(newest);
  if (known !== null && isOf(known, root)) return path.join(folder, known.main);

  const build = await bundle(root, file, folder);
  // Two processes may build at once: each takes its own, and the last one named is as good as the other.
  const draft = `${newest}.${randomBytes(6).toString("hex")}`;
  writeFileSync(draft, JSON.stringify(build));
  renameSync(draft, newest);
  dropOldBuilds(folder);
  return path.join(folder, build.main);
}

function readBuild(newest) {
  try {
    return JSON.parse(readFileSync(newest, "utf8"));
  } catch {
    return null;
  }
}

/** Whether every source is as it was: time and size, as make and tsc look. */
function isOf({ recipe, sources }, root) {
  if (recipe !== recipeOf()) return false;
  return sources.every(([source, mark]) => mark === markOf(path.join(root, source)));
}

function markOf(source) {
  const stat = statSync(source, { throwIfNoEntry: false });
  return stat ? `${stat.mtimeMs} ${stat.size}` : "";
}

/** What makes other JavaScript of the same sources. */
function recipeOf() {
  return `${process.version} ${markOf(new URL(import.meta.url))}`;
}

async function bundle(root, file, folder) {
  const { build } = await import("esbuild");
  const id = randomBytes(6).toString("hex");
  const outdir = path.join(folder, id);
  mkdirSync(outdir, { recursive: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { main: file },
    outdir,
    bundle: true,
    splitting: true,
    metafile: true,
    format: "esm",
    platform: "node",
    target: `node${process.versions.node}`,
    external: LEFT_OUTSIDE,
    // CommonJS packages ask for Node's own modules by `require`.
    banner: {
      js: 'import { createRequire as $from } from "node:module"; const require = $from(import.meta.url);',
    },
    minifyWhitespace: true,
    keepNames: true,
    sourcemap: "linked",
    sourcesContent: false,
    logLevel: "silent",
    plugins: [ownPlaces(root), loadedWhenCalled],
  });
  const sources = Object.keys(metafile.inputs)
    .filter((source) => !source.startsWith("node_modules/"))
    .map((source) => [source, markOf(path.join(root, source))]);
  return { main: `${id}/main.js`, recipe: recipeOf(), sources };
}

/** A source that looks for a file beside itself goes on looking there, not beside the build. */
function ownPlaces(root) {
  return {
    name: "own-places",
    setup({ onLoad }) {
      onLoad({ filter: /\.m?ts$/ }, ({ path: source }) => {
        if (!source.startsWith(root + path.sep) || source.includes(`${path.sep}node_modules${path.sep}`))
          return;
        const contents = readFileSync(source, "utf8");
        if (!contents.includes("import.meta.")) return;
        const places = { url: pathToFileURL(source).href, dirname: path.dirname(source), filename: source };
        return {
          contents: contents.replaceAll(/\bimport\.meta\.(url|dirname|filename)\b/g, (_, key) =>
            JSON.stringify(places[key]),
          ),
          loader: "ts",
        };
      });
    },
  };
}

const loadedWhenCalled = {
  name: "loaded-when-called",
  setup({ onLoad }) {
    onLoad({ filter: LOADED_WHEN_CALLED }, ({ path: source }) => ({
      // By another name: esbuild would put what is required into the build.
      contents: `
        const load = require;
        const real = () => load(${JSON.stringify(source)});
        module.exports = new Proxy(function () {}, {
          get: (_, name) => real()[name],
          apply: (_, self, given) => Reflect.apply(real(), self, given),
        });
      `,
      loader: "js",
    }));
  },
};

function dropOldBuilds(folder) {
  const builds = readdirSync(folder)
    .filter((name) => /^[0-9a-f]{12}$/.test(name))
    .map((name) => ({
      place: path.join(folder, name),
      at: statSync(path.join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0,
    }))
    .sort((one, other) => other.at - one.at);
  for (const { place } of builds.slice(BUILDS_KEPT)) rmSync(place, { recursive: true, force: true });
}
