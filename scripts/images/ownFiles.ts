import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { REPOSITORY } from "../setup/dataDir.ts";
import { catalogueFolder } from "./catalogue.ts";
import type { ImageDefinition } from "./catalogue.ts";
import { npmClosure } from "./npmClosure.ts";

/** A file of this checkout that goes into an image. */
export interface OwnFile {
  /** Path below `/opt/slipway`, without a slash in front. */
  name: string;
  source: string;
  mode: number;
}

/** Everything that an image takes from this checkout: its folder beside the catalogue, and npm packages. */
export function ownFiles(image: ImageDefinition): OwnFile[] {
  const modules = path.join(REPOSITORY, "node_modules");
  const packages = npmClosure(modules, image.derived?.npm ?? []);
  return [
    ...folderFiles(image),
    ...packages.flatMap(({ name }) => filesUnder(path.join(modules, name), `node_modules/${name}`)),
  ];
}

/** What identifies those files, for the recipe hash: contents of our own, versions of packages. */
export function ownIngredients(image: ImageDefinition): string[] {
  const packages = npmClosure(path.join(REPOSITORY, "node_modules"), image.derived?.npm ?? []);
  return [
    ...folderFiles(image).map((file) => `${file.name} ${readFileSync(file.source, "utf8")}`),
    ...packages.map(({ name, version }) => `${name}@${version}`),
  ];
}

function folderFiles(image: ImageDefinition): OwnFile[] {
  return image.folder === undefined ? [] : filesUnder(path.join(catalogueFolder, image.folder), "");
}

function filesUnder(folder: string, prefix: string): OwnFile[] {
  if (!existsSync(folder)) throw new Error(`${folder} is missing from this checkout`);
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const source = path.join(folder, entry.name);
    const name = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) return filesUnder(source, name);
    if (!entry.isFile() || entry.name.endsWith(".test.ts")) return [];
    return [{ name, source, mode: statSync(source).mode & 0o111 ? 0o755 : 0o644 }];
  });
}
