import { InvalidArgumentError, Option } from "commander";
import { ENVIRONMENT_KINDS, type EnvironmentKind } from "../../../core/lifecycle.ts";
import { parseDuration } from "../../../core/units.ts";

const DEFAULT_WAIT_MS = 5 * 60_000;
const HOUR_MS = 3_600_000;
/** A token's: a leap year. */
const LONGEST_TTL_MS = 366 * 24 * HOUR_MS;

/** @throws InvalidArgumentError where `text` is no whole number of 1 or more */
export function countOption(text: string): number {
  if (!/^\d{1,6}$/.test(text) || Number(text) < 1) throw new InvalidArgumentError("Say a number, like 100.");
  return Number(text);
}

/** @throws InvalidArgumentError where `text` is no port */
export function portOption(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65535) {
    throw new InvalidArgumentError("Say a port, 1 to 65535.");
  }
  return port;
}

/** @throws InvalidArgumentError where `text` is no environment */
export function environmentArgument(text: string): EnvironmentKind {
  const kind = ENVIRONMENT_KINDS.find((each) => each === text);
  if (!kind) throw new InvalidArgumentError(`Environments are ${ENVIRONMENT_KINDS.join(", ")}.`);
  return kind;
}

/** `--timeout`: milliseconds that `--wait` waits. */
export function waitTimeout(): Option {
  return new Option("--timeout <duration>", "how long --wait waits, like 30s or 5m")
    .argParser((text) => {
      const ms = parseDuration(text);
      if (ms === null || ms <= 0) throw new InvalidArgumentError("Say a duration, like 30s or 5m.");
      return ms;
    })
    .default(DEFAULT_WAIT_MS, "5m");
}

/** For how long a token is good, in milliseconds; `hours` where nothing is said. */
export function ttlOption(flags: string, description: string, hours: number): Option {
  return new Option(flags, description)
    .argParser((text) => {
      const ms = parseDuration(text);
      if (ms === null || ms < 1000 || ms > LONGEST_TTL_MS) {
        throw new InvalidArgumentError("Say a duration up to 366d, like 30m, 8h or 30d.");
      }
      return ms;
    })
    .default(hours * HOUR_MS, `${hours}h`);
}

/** @throws InvalidArgumentError where `text` is no origin of a web page */
export function originOption(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (
    !url ||
    !/^https?:$/.test(url.protocol) ||
    url.pathname !== "/" ||
    url.search !== "" ||
    url.hash !== ""
  ) {
    throw new InvalidArgumentError("Say an origin, like https://slipway.example.com.");
  }
  return url.origin;
}
