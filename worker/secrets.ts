import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { JWK } from "jose";
import { z } from "zod";
import { SlipwayError } from "../core/errors.ts";
import type { Manifest } from "../core/manifest.ts";
import type { ProjectSpec } from "../core/projectSpec.ts";
import { openSecret } from "../core/sealing.ts";
import { Passwords } from "./gateway/passwords.ts";

/** Opens a project's secrets: only here are they ever plain, in memory, on the way into a container's environment. */
export type OpenSecrets = (spec: ProjectSpec) => Promise<ProjectSpec>;

const vKeys = z.object({ keys: z.array(z.looseObject({ kty: z.literal("EC"), d: z.string() })).min(1) });

/**
 * @param dataDir holds the private keys in `keys/secrets.jwk.json`, newest first
 * @returns what puts a project's secrets among its variables, but for those that are passwords of the gateway's: their
 *   hashes take their place in the manifest. Of a project without secrets it gives back the same
 */
export function secretsFrom(dataDir: string): OpenSecrets {
  const path = join(dataDir, "keys", "secrets.jwk.json");
  const passwords = new Passwords();
  return async (spec) => {
    const sealed = Object.entries(spec.secrets ?? {});
    if (sealed.length === 0) return spec;
    const keys = await readKeys(path);
    const opened = await Promise.all(
      sealed.map(async ([name, text]) => {
        return [name, await openSecret(keys, { namespace: spec.namespace, name }, text)] as const;
      }),
    );
    const withSecrets = async (plain: Manifest): Promise<Manifest> => {
      const { manifest, used } = await passwords.hashIn(plain, new Map(opened));
      const variables = opened.filter(([name]) => !used.has(name));
      return { ...manifest, env: { ...manifest.env, ...Object.fromEntries(variables) } };
    };
    const environments = spec.environments.map(async (environment) => {
      const { release } = environment;
      if (!release) return environment;
      return { ...environment, release: { ...release, manifest: await withSecrets(release.manifest) } };
    });
    return {
      ...spec,
      secrets: {},
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
