import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { JWK } from "jose";
import * as z from "zod";
import { SlipwayError } from "../core/errors.ts";
import type { Manifest } from "../core/manifest.ts";
import type { ProjectSpec } from "../core/projectSpec.ts";
import { certificateSecret, openSecret } from "../core/sealing.ts";
import { isForGit, variableSecrets } from "../core/secretUses.ts";
import { Passwords } from "./gateway/passwords.ts";

/** Opens a project's secrets: they are plain in memory alone, and reveal.ts puts them into the containers that see them. */
export type OpenSecrets = (spec: ProjectSpec) => Promise<ProjectSpec>;

const vKeys = z.object({ keys: z.array(z.looseObject({ kty: z.literal("EC"), d: z.string() })).min(1) });

/**
 * @param dataDir holds the private keys in `keys/secrets.jwk.json`, newest first
 * @returns what opens a project's secrets beside the sealed ones (`opened`), but for those that are passwords of the
 *   gateway's: their hashes take their place in the manifest. Of a project without secrets it gives back the same
 */
export function secretsFrom(dataDir: string): OpenSecrets {
  const path = join(dataDir, "keys", "secrets.jwk.json");
  const passwords = new Passwords();
  return async (spec) => {
    const sealed = Object.entries(spec.secrets ?? {});
    const sealedCertificates = Object.entries(spec.certificates ?? {});
    if (sealed.length === 0 && sealedCertificates.length === 0) return spec;
    const keys = await readKeys(path);
    const certificates = await Promise.all(
      sealedCertificates.map(async ([domain, { chain, key }]) => {
        const address = { namespace: spec.namespace, name: certificateSecret(domain) };
        return [domain, { chain, key: await openSecret(keys, address, key) }] as const;
      }),
    );
    const opened = await Promise.all(
      sealed.map(async ([name, text]) => {
        return [name, await openSecret(keys, { namespace: spec.namespace, name }, text)] as const;
      }),
    );
    const manifests = [spec.manifest, ...spec.environments.flatMap(({ release }) => release?.manifest ?? [])];
    const variables = new Set(
      variableSecrets(
        manifests,
        opened.map(([name]) => name),
      ),
    );
    const withSecrets = async (plain: Manifest): Promise<Manifest> => {
      return (await passwords.hashIn(plain, new Map(opened))).manifest;
    };
    const environments = spec.environments.map(async (environment) => {
      const { release } = environment;
      if (!release) return environment;
      return { ...environment, release: { ...release, manifest: await withSecrets(release.manifest) } };
    });
    return {
      ...spec,
      secrets: Object.fromEntries(sealed.filter(([name]) => variables.has(name))),
      opened: Object.fromEntries(opened.filter(([name]) => variables.has(name))),
      ...(spec.certificates && { certificates: Object.fromEntries(certificates) }),
      gitSecrets: Object.fromEntries(opened.filter(([name]) => isForGit(spec.manifest, name))),
      manifest: await withSecrets(spec.manifest),
      environments: await Promise.all(environments),
    };
  };
}

async function readKeys(path: string): Promise<JWK[]> {
  try {
    return vKeys.parse(JSON.parse(await readFile(path, "utf8"))).keys;
  } catch (error) {
    throw new SlipwayError(
      {
        code: "setup",
        message: `The keys that open secrets cannot be read from ${path}.`,
        hint: "Copy the file from the machine where Slipway was set up.",
      },
      { cause: error },
    );
  }
}
