/** A project folder with a Convex app and the repository's packages, made for one test. */
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "./fixture.ts";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Runs a TypeScript program: `node RUN <file> …`. */
export const RUN = path.join(ROOT, "scripts/run.mjs");

export interface Project {
  readonly path: string;
  /** The functions folder. */
  readonly convexDir: string;
  remove(): void;
}

/**
 * Makes a project of copies (from a path in the repository to one in the project: `embedded/fixtures/app` to `.`, say)
 * and of texts by path.
 */
export function makeProject(
  copies: Readonly<Record<string, string>>,
  texts: Readonly<Record<string, string>> = {},
): Project {
  const folder = temporaryFolder();
  const targetOf = (to: string): string => {
    const target = path.join(folder.path, to);
    mkdirSync(path.dirname(target), { recursive: true });
    return target;
  };
  for (const [from, to] of Object.entries(copies))
    cpSync(path.join(ROOT, from), targetOf(to), { recursive: true });
  for (const [to, text] of Object.entries(texts)) writeFileSync(targetOf(to), text);
  // A folder of its own, so that a test can add a package.
  const modules = path.join(folder.path, "node_modules");
  mkdirSync(modules);
  for (const name of readdirSync(path.join(ROOT, "node_modules")))
    if (!name.startsWith(".")) symlinkSync(path.join(ROOT, "node_modules", name), path.join(modules, name));
  return { ...folder, convexDir: path.join(folder.path, "convex") };
}
