/** A push as the CLI sends it, and the app it describes. */
import * as z from "zod";
import { PushError } from "../runtime/schema.ts";
import { AUTH_CONFIG_PATH, DEFAULT_FUNCTIONS_DIR, moduleHash, vEnvironment, vModule } from "./app.ts";
import type { AppModule, AppSource } from "./app.ts";

export const vPushRequest = z.looseObject({
  functions: z.string().max(1_000).default(DEFAULT_FUNCTIONS_DIR),
  appDefinition: z.looseObject({
    definition: vModule.nullish(),
    dependencies: z.array(z.string()).default([]),
    schema: vModule.nullish(),
    changedModules: z.array(vModule),
    unchangedModuleHashes: z.array(
      z.looseObject({ path: z.string(), environment: vEnvironment, sha256: z.string() }),
    ),
    udfServerVersion: z.string().default("unknown"),
  }),
  componentDefinitions: z.array(z.looseObject({ definitionPath: z.string() })).default([]),
  nodeDependencies: z.array(z.looseObject({ name: z.string() })).default([]),
});
export type PushRequest = z.infer<typeof vPushRequest>;

function refuseUnsupported({ appDefinition, componentDefinitions, nodeDependencies }: PushRequest): void {
  const components = componentDefinitions.map(({ definitionPath }) => definitionPath);
  if (components.length > 0 || appDefinition.dependencies.length > 0) {
    const names = [...new Set([...components, ...appDefinition.dependencies])].join(", ");
    throw new PushError(`Components are not supported by this backend: ${names}. Remove them from the app.`);
  }
  if (nodeDependencies.length > 0) {
    const names = nodeDependencies.map(({ name }) => name).join(", ");
    throw new PushError(
      `External packages are not supported in a push to this backend: ${names}. Take them out of ` +
        "`node.externalPackages` in convex.json, so that they are bundled; or start the backend with --dir, " +
        "which takes packages from where they are installed.",
    );
  }
}

/**
 * The app that a push describes; modules that the CLI left out as unchanged come from `current`.
 * @throws PushError for what this backend does not support, or a module that it does not have.
 */
export function sourceOfPush(request: PushRequest, current: AppSource): AppSource {
  refuseUnsupported(request);
  const { changedModules, unchangedModuleHashes, schema, definition } = request.appDefinition;
  const here = [...current.modules, ...(current.authConfig === null ? [] : [current.authConfig])];
  const unchanged = unchangedModuleHashes.map(({ path, environment, sha256 }): AppModule => {
    const found = here.find((module) => module.path === path && module.environment === environment);
    if (found !== undefined && moduleHash(found) === sha256) return found;
    throw new PushError(`Module ${path} has changed on the backend during this push. Push again.`);
  });
  const all = [...changedModules, ...unchanged];
  const twice = all.find(({ path }, i) => all.findIndex((other) => other.path === path) !== i);
  if (twice !== undefined) throw new PushError(`Module ${twice.path} is in the push twice.`);
  return {
    modules: all.filter(({ path }) => path !== AUTH_CONFIG_PATH),
    schema: schema ?? null,
    authConfig: all.find(({ path }) => path === AUTH_CONFIG_PATH) ?? null,
    definition: definition ?? null,
    nodeRoot: null,
    functionsDir: request.functions,
  };
}
