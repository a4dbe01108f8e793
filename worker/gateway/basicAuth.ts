import { pbkdf2, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import type { z } from "zod";
import type { vBasicAuthUser } from "../../core/routes.ts";

/** About 5 ms of the gateway's time for a password that it has not seen in the last minute. */
const ITERATIONS = 20_000;
const SALT_BYTES = 16;
const HASH_BYTES = 32;

/** What the route table keeps of a user and a password: never the password. */
export async function basicAuthUser(
  user: string,
  password: string,
): Promise<z.output<typeof vBasicAuthUser>> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await promisify(pbkdf2)(password, salt, ITERATIONS, HASH_BYTES, "sha256");
  return { user, saltHex: salt.toString("hex"), hashHex: hash.toString("hex"), iterations: ITERATIONS };
}
