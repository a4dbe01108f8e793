import { parseBaseDomain } from "../../core/baseDomain.ts";
import { DEFAULT_OVERCOMMIT, type Overcommit } from "../../core/capacity.ts";
import { DEFAULT_SUBNET_POOL } from "../../core/subnets.ts";
import { DEFAULT_PORT_RANGE } from "../../core/ports.ts";
import { vSealingKey, type SealingKey } from "../../core/sealing.ts";
import { parseDuration } from "../../core/units.ts";
import { variables } from "./variables.ts";
import { refuse, refusing } from "./refuse.ts";

/** What the deployment's environment variables say, checked; functions are read anew at each call. */

export function subnetPool(): string {
  return variables.SLIPWAY_SUBNET_POOL ?? DEFAULT_SUBNET_POOL;
}

export function portRange(): string {
  return variables.SLIPWAY_PORT_RANGE ?? DEFAULT_PORT_RANGE;
}

/** The domain below which environments have names of their own, like `dev--shop.localhost`. */
export function baseDomain(): string {
  return refusing(() => parseBaseDomain(variables.SLIPWAY_BASE_DOMAIN));
}

export type EmbeddingsEndpoint = { url: string; key: string | undefined; model: string };

/** An OpenAI-compatible endpoint that makes embeddings, or null where none is configured. */
export function embeddingsEndpoint(): EmbeddingsEndpoint | null {
  const url = variables.SLIPWAY_EMBEDDINGS_URL;
  if (!url) return null;
  return {
    url: url.replace(/\/+$/, ""),
    key: variables.SLIPWAY_EMBEDDINGS_KEY,
    model: variables.SLIPWAY_EMBEDDINGS_MODEL ?? "text-embedding-3-small",
  };
}

/** The public key that secrets are sealed with. */
export function sealingKey(): SealingKey {
  try {
    return vSealingKey.parse(JSON.parse(variables.SLIPWAY_SECRETS_KEY ?? ""));
  } catch {
    return refuse({
      code: "setup",
      message: "This deployment has no key to seal secrets with.",
      hint: "Set SLIPWAY_SECRETS_KEY to the public key of the workers, as JSON; slipway up does so by itself.",
    });
  }
}

/** How long a failed project's volumes are kept. */
export function failedRetentionMs(): number {
  return duration("SLIPWAY_FAILED_RETENTION", "7d");
}

/** How long the audit log keeps an entry. */
export function eventRetentionMs(): number {
  return duration("SLIPWAY_EVENT_RETENTION", "90d");
}

export function overcommit(): Overcommit {
  return {
    cpus: number("SLIPWAY_CPU_OVERCOMMIT", DEFAULT_OVERCOMMIT.cpus, 1, 10_000),
    memory: number("SLIPWAY_MEMORY_OVERCOMMIT", DEFAULT_OVERCOMMIT.memory, 1, 10_000),
  };
}

function number(name: string, byDefault: number, least: number, most: number): number {
  const text = variables[name];
  if (text === undefined || text === "") return byDefault;
  const value = Number(text);
  if (Number.isFinite(value) && value >= least && value <= most) return value;
  return refuse({
    code: "setup",
    message: `The deployment's variable ${name} is "${text}", which is no number from ${least} to ${most}.`,
    hint: `Set ${name} to such a number, or remove it for ${byDefault}.`,
  });
}

function duration(name: string, byDefault: string): number {
  const text = variables[name] ?? byDefault;
  const ms = parseDuration(text);
  if (ms !== null && ms > 0) return ms;
  return refuse({
    code: "setup",
    message: `The deployment's variable ${name} is "${text}", which is no duration.`,
    hint: `Set ${name} to a duration like 12h or 30d, or remove it for ${byDefault}.`,
  });
}
