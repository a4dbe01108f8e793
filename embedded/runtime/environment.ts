/** The deployment's environment variables: `process.env` of the app's functions, and of nothing else. */
import type { Driver } from "../storage/driver.ts";

export interface EnvChange {
  readonly name: string;
  /** Null or absent removes the variable. */
  readonly value?: string | null | undefined;
}

export interface Environment {
  /** What functions see, with the backend's own addresses. */
  all(): Readonly<Record<string, string>>;
  /** The variables that were set, by name; secret ones are in no list. */
  list(): { name: string; value: string }[];
  get(name: string): string | null;
  /** What functions would see after these changes. */
  after(changes: readonly EnvChange[]): Readonly<Record<string, string>>;
  /** Why changes are not acceptable, or null. */
  explainInvalid(changes: readonly EnvChange[]): string | null;
  /** Applies changes at once and tells `onChange`; call it in the executor. */
  update(changes: readonly EnvChange[]): void;
}

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]{0,39}$/;
const MAX_VALUE_BYTES = 8_192;
const MAX_VARIABLES = 512;

/** @param secret variables that this process was started with: functions see them, but no file and no list has them */
export function openEnvironment(
  driver: Driver,
  builtIn: () => Readonly<Record<string, string>>,
  onChange: () => void,
  secret: Readonly<Record<string, string>> = {},
): Environment {
  const secrets = new Map(Object.entries(secret));
  const isSecret = (name: string): boolean => Object.hasOwn(secret, name);
  let variables = new Map<string, string>();
  const load = (): void => {
    const rows = driver.prepare("SELECT name, value FROM env ORDER BY name").all();
    variables = new Map(rows.map((row) => [row["name"] as string, row["value"] as string]));
  };
  // One that was saved before it was a secret is saved no longer.
  for (const name of Object.keys(secret)) driver.prepare("DELETE FROM env WHERE name = ?").run(name);
  load();
  return {
    all: () => ({ ...Object.fromEntries([...variables, ...secrets]), ...builtIn() }),
    list: () => [...variables].map(([name, value]) => ({ name, value })),
    get: (name) => variables.get(name) ?? null,
    after: (changes) => {
      const next = new Map([...variables, ...secrets]);
      for (const { name, value } of changes) {
        if (value === null || value === undefined) next.delete(name);
        else next.set(name, value);
      }
      return { ...Object.fromEntries(next), ...builtIn() };
    },
    explainInvalid: (changes) => {
      const after = new Map([...variables, ...secrets]);
      for (const { name, value } of changes) {
        if (!NAME.test(name)) return `Invalid environment variable name "${name.slice(0, 60)}".`;
        if (name in builtIn()) return `Environment variable "${name}" is set by the backend itself.`;
        if (value === null || value === undefined) {
          after.delete(name);
          continue;
        }
        if (Buffer.byteLength(value) > MAX_VALUE_BYTES) {
          return `The value of environment variable "${name}" is longer than ${MAX_VALUE_BYTES} bytes.`;
        }
        after.set(name, value);
      }
      return after.size > MAX_VARIABLES
        ? `There can be ${MAX_VARIABLES} environment variables at most.`
        : null;
    },
    update: (changes) => {
      const insert = driver.prepare(
        "INSERT INTO env(name, value) VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value",
      );
      const remove = driver.prepare("DELETE FROM env WHERE name = ?");
      driver.prepare("BEGIN IMMEDIATE").run();
      for (const { name, value } of changes) {
        if (isSecret(name)) continue;
        if (value === null || value === undefined) remove.run(name);
        else insert.run(name, value);
      }
      driver.prepare("COMMIT").run();
      for (const { name, value } of changes.filter((change) => isSecret(change.name))) {
        if (value === null || value === undefined) secrets.delete(name);
        else secrets.set(name, value);
      }
      load();
      onChange();
    },
  };
}
