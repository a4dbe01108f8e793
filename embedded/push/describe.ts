/** What a push is answered with: the analysed app, and how it differs from the one before. */
import type { ProviderSpec } from "../auth/providers.ts";
import type { LoadedApp } from "../runtime/app.ts";
import type { AppFunction } from "../runtime/functions.ts";
import { definesFunctions } from "./app.ts";
import type { AppliedChanges, IndexChange } from "./indexes.ts";

const UDF_TYPES = { query: "Query", mutation: "Mutation", action: "Action" } as const;

/** An index as the CLI prints it. */
export function indexJson({ table, name, kind, spec }: IndexChange): Record<string, unknown> {
  const shown = { ...spec };
  return { name: `${table}.${name}`, type: kind, ...shown, staged: false };
}

export const indexDiff = ({ added, removed }: AppliedChanges): Record<string, unknown> => ({
  added_indexes: added.map(indexJson),
  removed_indexes: removed.map(indexJson),
  enabled_indexes: [],
  disabled_indexes: [],
});

/** A provider as the CLI expects it back. */
const authInfo = (spec: ProviderSpec): Record<string, unknown> =>
  spec.type === "customJwt"
    ? { ...spec, applicationID: spec.applicationID ?? null }
    : { applicationID: spec.applicationID, domain: spec.domain };

export const authInfos = ({ auth }: LoadedApp): Record<string, unknown>[] =>
  auth.providers.map(({ spec }) => authInfo(spec));

const functionJson = ({ name, kind, visibility, args, returns }: AppFunction): Record<string, unknown> => ({
  name,
  pos: null,
  udfType: UDF_TYPES[kind],
  visibility: { kind: visibility },
  args: JSON.stringify(args),
  returns: returns === null ? null : JSON.stringify(returns),
});

/** The modules of an app with their functions, as `codegen` reads them. */
export function analysisOf(app: LoadedApp, serverVersion: string): Record<string, unknown> {
  const functions = app.functions.all();
  const modules = app.source.modules.filter(definesFunctions).map(({ path }) => {
    const own = functions.filter(({ module }) => module === path).map(functionJson);
    return [path, { functions: own, httpRoutes: null, cronSpecs: null, sourceMapped: null }];
  });
  return {
    definition: {
      path: "",
      definitionType: { type: "app" },
      childComponents: [],
      httpMounts: {},
      exports: { type: "branch", branch: [] },
    },
    schema: app.schema.json,
    functions: Object.fromEntries(modules) as Record<string, unknown>,
    udfConfig: { serverVersion, importPhaseRngSeed: null, importPhaseUnixTimestamp: null },
  };
}

/** The root component as the CLI knows it: the app, without children. */
export function checkedApp({ httpRoutes }: LoadedApp): Record<string, unknown> {
  return {
    ...{ definitionPath: "", componentPath: "", args: {}, childComponents: {}, exports: {} },
    httpRoutes: { httpModuleRoutes: httpRoutes.length === 0 ? null : httpRoutes, mounts: [] },
  };
}

interface NameDiff {
  readonly added: string[];
  readonly removed: string[];
}

function nameDiff(before: readonly string[], after: readonly string[]): NameDiff {
  return {
    added: after.filter((name) => !before.includes(name)),
    removed: before.filter((name) => !after.includes(name)),
  };
}

function cronDiff(before: LoadedApp, after: LoadedApp): Record<string, string[]> {
  const known = new Map(before.crons.map((spec) => [spec.name, JSON.stringify(spec)]));
  const names = nameDiff(
    before.crons.map(({ name }) => name),
    after.crons.map(({ name }) => name),
  );
  const updated = after.crons
    .filter((spec) => known.has(spec.name) && known.get(spec.name) !== JSON.stringify(spec))
    .map(({ name }) => name);
  return { added: names.added, updated, deleted: names.removed };
}

function schemaDiff(before: LoadedApp, after: LoadedApp): Record<string, string | null> | null {
  const textOf = ({ schema }: LoadedApp): string | null =>
    schema.json === null ? null : JSON.stringify(schema.json);
  const [previous, next] = [textOf(before), textOf(after)];
  return previous === next ? null : { previous_schema: previous, next_schema: next };
}

/** What a finished push has changed. */
export function pushDiff(
  before: LoadedApp,
  after: LoadedApp,
  indexes: AppliedChanges,
): Record<string, unknown> {
  const paths = ({ source }: LoadedApp): string[] => source.modules.map(({ path }) => path);
  const providers = (app: LoadedApp): string[] => authInfos(app).map((each) => JSON.stringify(each));
  return {
    authDiff: nameDiff(providers(before), providers(after)),
    definitionDiffs: {},
    componentDiffs: {
      "": {
        diffType: { type: "modify" },
        moduleDiff: nameDiff(paths(before), paths(after)),
        udfConfigDiff: null,
        cronDiff: cronDiff(before, after),
        indexDiff: indexDiff(indexes),
        schemaDiff: schemaDiff(before, after),
      },
    },
  };
}
