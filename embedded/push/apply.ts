/** Makes a loaded app the current one: checks the documents, builds and drops indexes, keeps modules and crons. */
import type { LoadedApp } from "../runtime/app.ts";
import { firstRun } from "../crons/nextRun.ts";
import { parseSpec, ruleOf } from "../runtime/crons.ts";
import { PushError } from "../runtime/schema.ts";
import type { Store } from "../storage/store.ts";
import { DEFAULT_FUNCTIONS_DIR, vModule, type AppModule, type AppSource } from "./app.ts";
import { changeIndexes, type AppliedChanges } from "./indexes.ts";
import { findViolation, rememberValidators } from "./violation.ts";

function changeCrons(store: Store, app: LoadedApp, now: number): void {
  const { driver } = store;
  const kept = new Map(
    driver
      .prepare("SELECT name, spec FROM crons")
      .all()
      .map((row) => [row["name"], row["spec"]]),
  );
  for (const spec of app.crons) {
    const json = JSON.stringify(spec);
    if (kept.get(spec.name) !== json) {
      driver
        .prepare(
          "INSERT INTO crons(name, spec, next) VALUES(?, ?, ?) ON CONFLICT(name) DO UPDATE SET spec = excluded.spec, next = excluded.next",
        )
        .run(spec.name, json, firstRun(ruleOf(parseSpec(json)), now));
    }
    kept.delete(spec.name);
  }
  for (const name of kept.keys()) driver.prepare("DELETE FROM crons WHERE name = ?").run(name ?? null);
}

const SPECIAL = { schema: "schema:", auth: "auth:" } as const;

function saveModules(store: Store, source: AppSource): void {
  const { driver, meta } = store;
  driver.prepare("DELETE FROM modules").run();
  const save = (prefix: string, module: AppModule): void => {
    driver
      .prepare("INSERT INTO modules(path, environment, source, source_map) VALUES(?, ?, ?, ?)")
      .run(prefix + module.path, module.environment, module.source, module.sourceMap ?? null);
  };
  for (const module of source.modules) save("", module);
  if (source.schema !== null) save(SPECIAL.schema, source.schema);
  if (source.authConfig !== null) save(SPECIAL.auth, source.authConfig);
  meta.set("nodeRoot", source.nodeRoot ?? "");
  meta.set("functionsDir", source.functionsDir);
}

/** The app that was applied last, or null in a new database. */
export function readSavedApp(store: Store): AppSource | null {
  const modules: AppModule[] = [];
  let schema: AppModule | null = null;
  let authConfig: AppModule | null = null;
  for (const row of store.driver.prepare("SELECT * FROM modules").all()) {
    const path = row["path"] as string;
    const module = vModule.parse({
      path: path.replace(/^(schema|auth):/, ""),
      source: row["source"],
      sourceMap: row["source_map"],
      environment: row["environment"],
    });
    if (path.startsWith(SPECIAL.schema)) schema = module;
    else if (path.startsWith(SPECIAL.auth)) authConfig = module;
    else modules.push(module);
  }
  if (modules.length === 0 && schema === null) return null;
  const nodeRoot = store.meta.get("nodeRoot") ?? "";
  const functionsDir = store.meta.get("functionsDir") ?? DEFAULT_FUNCTIONS_DIR;
  const root = nodeRoot === "" ? null : nodeRoot;
  return { modules, schema, authConfig, definition: null, functionsDir, nodeRoot: root };
}

/**
 * Applies an app in one transaction of its own; call it in the executor.
 * @throws PushError when a document breaks the new schema; nothing has changed then.
 */
export function applyApp(store: Store, app: LoadedApp, now: number): AppliedChanges {
  const { driver, catalog } = store;
  driver.prepare("BEGIN IMMEDIATE").run();
  try {
    const violation = findViolation(store, app.schema);
    if (violation !== null) throw new PushError(`Schema validation failed.\n${violation.message}`);
    rememberValidators(store, app.schema);
    const changes = changeIndexes(store, app.schema);
    changeCrons(store, app, now);
    saveModules(store, app.source);
    store.markCommitted(store.nextTs());
    driver.prepare("COMMIT").run();
    return changes;
  } catch (error) {
    driver.prepare("ROLLBACK").run();
    catalog.reload();
    throw error;
  }
}
