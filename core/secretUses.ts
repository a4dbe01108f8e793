import type { Manifest } from "./manifest.ts";
import { GIT_SECRETS, isFolder } from "./source.ts";

/** What a project's secrets are for: variables of its services, passwords of the gateway's, or the way to its source. */

/** Those of `names` that services see as variables. @param manifests the project's, and those of its releases */
export function variableSecrets(manifests: readonly Manifest[], names: readonly string[]): string[] {
  const passwords = new Set(manifests.flatMap(passwordSecrets));
  return names.filter(
    (name) => !passwords.has(name) && !manifests.some((manifest) => isForGit(manifest, name)),
  );
}

/** What clones a project's repository is nothing that its containers need to know. */
export function isForGit({ source }: Manifest, name: string): boolean {
  return source !== undefined && !isFolder(source) && (GIT_SECRETS as readonly string[]).includes(name);
}

function passwordSecrets({ services }: Manifest): string[] {
  return Object.values(services ?? {}).flatMap(({ gateway }) =>
    (gateway?.basicAuth ?? []).flatMap(({ secret }) => secret ?? []),
  );
}
