import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { load } from "js-yaml";
import * as z from "zod";

const FOLDER = dirname(fileURLToPath(import.meta.url));
const vImage = z.object({ tag: z.string(), onDemand: z.boolean().default(false) });

/** The images that every host has from its start: those that are not made when a project first needs them. */
export function wantedImages(folder = FOLDER): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".yml"))
    .sort()
    .map((name) => vImage.parse(load(readFileSync(join(folder, name), "utf8"))))
    .flatMap(({ tag, onDemand }) => (onDemand ? [] : [tag]));
}
