import { SlipwayError } from "./errors.ts";

/** Plain arithmetic on IPv4 blocks; which block belongs to whom is the control plane's to say. */

/** The address as an unsigned 32-bit number, and the length of the prefix. */
export type Block = { address: number; prefix: number };

export const DEFAULT_SUBNET_POOL = "10.128.0.0/10";
/** A /26 has 61 addresses for containers: Docker takes one for the bridge. */
export const SUBNET_PREFIX = 26;

const CIDR = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/;
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];

function sizeOf(prefix: number): number {
  return 2 ** (32 - prefix);
}

/** @throws SlipwayError `setup` where `text` is no IPv4 block in CIDR form, or has bits beyond its prefix */
export function parseCidr(text: string): Block {
  const match = CIDR.exec(text.trim());
  const numbers = match?.slice(1).map(Number) ?? [];
  const [a = 256, b = 256, c = 256, d = 256, prefix = 33] = numbers;
  const address = a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
  if ([a, b, c, d].some((byte) => byte > 255) || prefix > 32 || address % sizeOf(prefix) !== 0) {
    throw new SlipwayError({
      code: "setup",
      message: `"${text}" is not an IPv4 block in CIDR form, like ${DEFAULT_SUBNET_POOL}.`,
      hint: "Correct SLIPWAY_SUBNET_POOL.",
    });
  }
  return { address, prefix };
}

export function formatCidr({ address, prefix }: Block): string {
  const bytes = [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256);
  return `${bytes.join(".")}/${prefix}`;
}

export function overlaps(one: Block, other: Block): boolean {
  return (
    one.address < other.address + sizeOf(other.prefix) && other.address < one.address + sizeOf(one.prefix)
  );
}

/**
 * A pool to cut subnets of /{@link SUBNET_PREFIX} from.
 * @throws SlipwayError `setup` where it is no private block, or too small for one subnet
 */
export function parsePool(text: string): Block {
  const pool = parseCidr(text);
  const inside = PRIVATE.map(parseCidr).some((block) => block.prefix <= pool.prefix && overlaps(block, pool));
  if (inside && pool.prefix <= SUBNET_PREFIX) return pool;
  throw new SlipwayError({
    code: "setup",
    message: `The subnet pool ${text} cannot be used: a private block of at least one /${SUBNET_PREFIX} is needed.`,
    hint: "Set SLIPWAY_SUBNET_POOL to a part of one of these.",
    allowed: PRIVATE,
  });
}

/** How many subnets `pool` has. */
export function subnetCount(pool: Block): number {
  return sizeOf(pool.prefix) / sizeOf(SUBNET_PREFIX);
}

/** The subnet number `index` of `pool` in CIDR form; 0 ≤ index < {@link subnetCount}. */
export function subnetAt(pool: Block, index: number): string {
  return formatCidr({ address: pool.address + index * sizeOf(SUBNET_PREFIX), prefix: SUBNET_PREFIX });
}
