/** A pushed app, loaded and ready to run. */
import type { AuthConfig } from "../auth/providers.ts";
import type { AppSource } from "../push/app.ts";
import type { ActionRuntime } from "./actions.ts";
import type { FunctionTable } from "./functions.ts";
import type { RealmPool } from "./realmPool.ts";
import type { Schema } from "./schema.ts";
import type { CronSpec } from "./crons.ts";

export interface Deployment {
  readonly name: string;
  readonly region: null;
  readonly class: "s16";
}

export interface LoadedApp {
  readonly source: AppSource;
  readonly functions: FunctionTable;
  readonly schema: Schema;
  readonly crons: readonly CronSpec[];
  readonly auth: AuthConfig;
  /** Method and path of each HTTP route, for the CLI. */
  readonly httpRoutes: readonly { method: string; path: string }[];
  readonly realms: RealmPool;
  readonly actions: ActionRuntime;
  readonly deployment: Deployment;
}
