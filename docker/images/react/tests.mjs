import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { commonOptions } from "./bundle.mjs";

/** Bundles src/**\/*.test.* into /tmp and runs them with Node's test runner. @returns its exit code. */
export async function runTests(folder = process.cwd()) {
  const names = await readdir(path.join(folder, "src"), { recursive: true });
  const tests = names.filter((name) => /\.test\.[cm]?[jt]sx?$/.test(name));
  if (tests.length === 0) {
    console.error("There is no src/**/*.test.jsx.");
    return 1;
  }
  const out = await mkdtemp(path.join(os.tmpdir(), "tests-"));
  try {
    await build({
      ...commonOptions({ production: false }),
      absWorkingDir: folder,
      entryPoints: tests.map((name) => path.join("src", name)),
      outdir: out,
      outExtension: { ".js": ".mjs" },
      platform: "node",
      format: "esm",
      banner: {
        js: 'import { createRequire } from "node:module"; const require = createRequire("/workspace/");',
      },
      loader: { ...commonOptions({ production: false }).loader, ".css": "empty" },
      logLevel: "error",
      sourcemap: "inline",
    });
    const made = (await readdir(out, { recursive: true })).filter((name) => name.endsWith(".mjs"));
    const files = made.map((name) => path.join(out, name));
    const child = spawn(process.execPath, ["--enable-source-maps", "--test", ...files], { stdio: "inherit" });
    const [code] = await once(child, "exit");
    return code ?? 1;
  } catch (error) {
    if (!("errors" in error)) throw error;
    return 1;
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}
