import { dump } from "js-yaml";
import { vManifest, type Manifest } from "../../../../core/manifest.ts";
import { changedPaths } from "../../../../core/manifestDiff.ts";

/** A manifest that was checked and filled in, as a person would have written it. */

type Tree = Record<string, unknown>;

/** How deep it is looked into: `environments.deploy.rollout.drain`. */
const DEPTH = 5;

/**
 * `manifest` without each key that the schema would fill in again just so. Nothing here knows the defaults: a key goes
 * where the manifest without it reads as the same one.
 */
export function withoutDefaults(manifest: Manifest): Tree {
  const written = structuredClone(manifest) as Tree;
  const isSame = () => {
    const parsed = vManifest.safeParse(written);
    return parsed.success && changedPaths(manifest, parsed.data).length === 0;
  };
  prune(written, isSame, 1);
  return written;
}

function prune(tree: Tree, isSame: () => boolean, depth: number): void {
  for (const [key, value] of Object.entries(tree)) {
    if (Array.isArray(value)) {
      // Of a list the items stay, each with less in it.
      for (const item of value) if (isTree(item)) prune(item, isSame, depth + 1);
      shorten(value, isSame);
    }
    // Put to undefined, not deleted: where it has to stay, it stays in its place.
    tree[key] = undefined;
    if (isSame()) delete tree[key];
    else {
      tree[key] = value;
      if (isTree(value) && depth < DEPTH) prune(value, isSame, depth + 1);
    }
  }
}

/** `{image: postgres:15}` → `postgres:15`, where a list's item may be written so. */
function shorten(items: unknown[], isSame: () => boolean): void {
  for (const [index, item] of items.entries()) {
    const values: unknown[] = isTree(item) ? Object.values(item) : [];
    if (values.length !== 1 || typeof values[0] !== "string") continue;
    items[index] = values[0];
    if (!isSame()) items[index] = item;
  }
}

function isTree(value: unknown): value is Tree {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/**
 * A manifest as YAML, without what is filled in anyway.
 * @param manifest as the control plane gives it; one that this page's schema does not know is shown as it is
 */
export function manifestYaml(manifest: unknown): string {
  const { success, data } = vManifest.safeParse(manifest);
  return dump(success ? withoutDefaults(data) : manifest, { lineWidth: 100, noRefs: true });
}
