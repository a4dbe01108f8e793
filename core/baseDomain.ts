import { SlipwayError } from "./errors.ts";
import { hostName } from "./gatewaySettings.ts";
import { ENVIRONMENT_KINDS } from "./lifecycle.ts";
import { MAX_SLUG_LENGTH } from "./naming.ts";
import { environmentHost } from "./routes.ts";

/** The domain below which every environment has a name of its own, like `dev--shop.localhost`. */

const DEFAULT_BASE_DOMAIN = "localhost";

const LABELS = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
/** The last label of an address. */
const ADDRESS = /(?:^|\.)\d+$/;
const MAX_NAME = 253;
const LONGEST_PREFIX = Math.max(
  ...ENVIRONMENT_KINDS.map((kind) => environmentHost("s".repeat(MAX_SLUG_LENGTH), kind, "").length),
);

/**
 * What `SLIPWAY_BASE_DOMAIN` says, as hosts are compared: in lower case and punycode; `localhost` where it says nothing.
 * @throws SlipwayError `setup` where it is no name, or too long for the names below it
 */
export function parseBaseDomain(text: string | undefined): string {
  const name = hostName(text?.trim() || DEFAULT_BASE_DOMAIN);
  const isName = name !== null && LABELS.test(name) && !ADDRESS.test(name);
  if (isName && name.length + LONGEST_PREFIX <= MAX_NAME) return name;
  throw new SlipwayError({
    code: "setup",
    message: `${JSON.stringify(text)} is no domain that environments can have names below.`,
    hint: `Set SLIPWAY_BASE_DOMAIN to a name like apps.example.org, of at most ${MAX_NAME - LONGEST_PREFIX} characters, or leave it out for ${DEFAULT_BASE_DOMAIN}.`,
  });
}
