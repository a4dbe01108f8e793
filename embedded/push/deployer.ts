/** Replaces the app: from a folder, from the CLI's push, or because the environment has changed. One at a time. */
import { randomUUID } from "node:crypto";
import type { Logger } from "../log.ts";
import type { LoadedApp } from "../runtime/app.ts";
import type { Backend } from "../runtime/backend.ts";
import type { EnvChange, Environment } from "../runtime/environment.ts";
import { PushError } from "../runtime/schema.ts";
import { applyApp } from "./apply.ts";
import type { AppSource } from "./app.ts";
import { loadApp, loadAuth, type LoadOptions } from "./load.ts";
import { findViolation, type Violation } from "./violation.ts";

/** An app that was loaded for a push and waits to be applied. */
export interface PendingPush {
  readonly id: string;
  readonly app: LoadedApp;
  /** The app it was compared with: when that is no longer the current one, the push must start again. */
  readonly base: LoadedApp;
}

export type SchemaCheck =
  | { readonly kind: "complete" }
  | { readonly kind: "failed"; readonly violation: Violation }
  | { readonly kind: "race" };

/** Something else was pushed, or the environment changed, since the push began. */
export class PushRaceError extends Error {
  override readonly name = "PushRaceError";
  constructor() {
    super("The app or its environment variables were changed during this push. Push again.");
  }
}

/** A change of the environment that was refused; nothing has changed. */
export class EnvironmentRefusedError extends Error {
  override readonly name = "EnvironmentRefusedError";
}

export interface DeployerOptions {
  readonly backend: Backend;
  readonly environment: Environment;
  readonly loading: LoadOptions;
  readonly log: Logger;
}

/** Pushes that were begun and not ended (`codegen` never ends one): the oldest goes when there are more. */
const MAX_PENDING = 4;

export class Deployer {
  readonly #options: DeployerOptions;
  readonly #pending = new Map<string, PendingPush>();
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: DeployerOptions) {
    this.#options = options;
  }

  /**
   * Loads an app that may be applied later, by `finish`.
   * @throws PushError when it cannot be loaded.
   */
  async prepare(sourceOf: (current: AppSource) => AppSource): Promise<PendingPush> {
    const base = this.#options.backend.app;
    const app = await loadApp(sourceOf(base.source), this.#options.loading);
    const pending = { id: randomUUID(), app, base };
    this.#pending.set(pending.id, pending);
    for (const id of [...this.#pending.keys()].slice(0, -MAX_PENDING)) this.#pending.delete(id);
    return pending;
  }

  /** A push that was begun here. @throws PushRaceError when it is no longer known. */
  find(id: string): PendingPush {
    const pending = this.#pending.get(id);
    if (pending === undefined) throw new PushRaceError();
    return pending;
  }

  /** Whether the documents allow the pushed schema. */
  check({ app, base }: PendingPush): Promise<SchemaCheck> {
    const { backend } = this.#options;
    return backend.executor.other(() => {
      if (base !== backend.app) return { kind: "race" };
      const violation = findViolation(backend.store, app.schema);
      return violation === null ? { kind: "complete" } : { kind: "failed", violation };
    });
  }

  /**
   * Makes a prepared app the current one.
   * @throws PushRaceError when another push came first; PushError when a document breaks its schema.
   */
  finish({ id, app, base }: PendingPush): Promise<void> {
    return this.#inTurn(async () => {
      if (base !== this.#options.backend.app) throw new PushRaceError();
      await this.#apply(app);
      this.#pending.delete(id);
    });
  }

  /** Loads and applies an app at once. @throws PushError; nothing has changed then. */
  push(source: AppSource): Promise<void> {
    return this.#inTurn(async () => this.#apply(await loadApp(source, this.#options.loading)));
  }

  /**
   * Changes environment variables. `auth.config.ts` is evaluated anew when it reads one of them, and actions' modules
   * are loaded anew; queries and mutations start in fresh realms anyway.
   * @throws EnvironmentRefusedError, or PushError when the app cannot be loaded with them; nothing has changed then.
   */
  changeEnvironment(changes: readonly EnvChange[]): Promise<void> {
    const { backend, environment, loading, log } = this.#options;
    return this.#inTurn(async () => {
      const problem = environment.explainInvalid(changes);
      if (problem !== null) throw new EnvironmentRefusedError(problem);
      const { app } = backend;
      const before = environment.all();
      const after = environment.after(changes);
      const changed = changes.map(({ name }) => name).filter((name) => before[name] !== after[name]);
      if (changed.length === 0) return;
      const current = { env: () => after };
      const auth = changed.some((name) => app.auth.reads.has(name))
        ? await loadAuth(app.source, { ...loading, env: () => after })
        : app.auth;
      const actions = this.#reload(app, () => current.env());
      await backend.replaceApp({ ...app, auth, actions }, () => {
        environment.update(changes);
        current.env = () => environment.all();
      });
      log("info", "environment.changed", { names: changed });
    });
  }

  #reload({ actions }: LoadedApp, env: () => Readonly<Record<string, string>>): LoadedApp["actions"] {
    try {
      return actions.again(env);
    } catch (error) {
      const text = `The app's modules cannot be loaded with these variables:\n${(error as Error).message}`;
      throw new PushError(text, { cause: error });
    }
  }

  async #apply(app: LoadedApp): Promise<void> {
    const { backend, log } = this.#options;
    await backend.replaceApp(app, () => applyApp(backend.store, app, backend.now()));
    log("info", "push.applied", { functions: app.functions.all().length });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(work);
    this.#tail = turn.catch(() => {});
    return turn;
  }
}
