import { servicesOf, vManifest, type Manifest } from "../../../../core/manifest.ts";
import { isForGit, variableSecrets } from "../../../../core/secretUses.ts";

/** What a secret is for, in a sentence, as far as the manifest says it. */
export function purposeOfSecret(manifest: unknown, name: string): string {
  const { success, data } = vManifest.safeParse(manifest);
  if (!success) return "a variable of its services";
  if (isForGit(data, name)) return "clones its source";
  if (variableSecrets([data], [name]).length > 0)
    return `variable of ${Object.keys(servicesOf(data)).join(", ")}`;
  return `password at the gateway for ${guardedBy(data, name).join(", ")}`;
}

function guardedBy(manifest: Manifest, name: string): string[] {
  return Object.entries(manifest.services ?? {})
    .filter(([, { gateway }]) => gateway?.basicAuth?.some(({ secret }) => secret === name))
    .map(([service]) => service);
}
