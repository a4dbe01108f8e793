/** The realms of one pushed app: one for each depth of nested calls, made when it is first needed. */
import type { RealmCode } from "./realm.ts";
import { Realm } from "./realm.ts";

export class RealmPool {
  readonly #code: RealmCode;
  readonly #env: () => Readonly<Record<string, string>>;
  readonly #wallTimeoutMs: number;
  #byDepth: (Realm | undefined)[] = [];

  constructor(code: RealmCode, env: () => Readonly<Record<string, string>>, wallTimeoutMs: number) {
    this.#code = code;
    this.#wallTimeoutMs = wallTimeoutMs;
    this.#env = env;
  }

  take(depth: number): Realm {
    return (this.#byDepth[depth] ??= new Realm(this.#code, this.#env(), this.#wallTimeoutMs));
  }

  discard(realm: Realm): void {
    const depth = this.#byDepth.indexOf(realm);
    if (depth !== -1) this.#byDepth[depth] = undefined;
  }

  /** Makes every later call start in a fresh realm: after an interruption, or when the environment has changed. */
  discardAll(): void {
    for (const realm of this.#byDepth) realm?.spoil();
    this.#byDepth = [];
  }
}
