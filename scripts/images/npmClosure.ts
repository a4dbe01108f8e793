import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import * as z from "zod";

const packageSchema = z.object({
  name: z.string(),
  version: z.string(),
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
});

export interface InstalledPackage {
  name: string;
  version: string;
}

/**
 * The packages named and everything that they depend on, as installed at the top of `modules` (optional ones where
 * they are installed, which leaves out other platforms' binaries), sorted by name.
 * @throws Error when a package that is needed is not installed.
 */
export function npmClosure(modules: string, names: readonly string[]): InstalledPackage[] {
  const found = new Map<string, InstalledPackage>();
  const waiting = [...names];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name)) continue;
    const file = path.join(modules, name, "package.json");
    if (!existsSync(file)) throw new Error(`The npm package ${name} is not installed; npm ci installs it.`);
    const manifest = packageSchema.parse(JSON.parse(readFileSync(file, "utf8")));
    found.set(name, { name, version: manifest.version });
    const optional = Object.keys(manifest.optionalDependencies);
    waiting.push(
      ...Object.keys(manifest.dependencies).filter((dependency) => !optional.includes(dependency)),
    );
    waiting.push(...optional.filter((dependency) => existsSync(path.join(modules, dependency))));
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
