import { env } from "../_generated/server";

/**
 * The deployment's environment variables. Convex knows the types of those alone that a `convex.config.ts` declares, and
 * such a file is a deployment's choice: every variable of ours is text or absent, and is checked where it is read.
 */
export const variables: Readonly<Record<string, string | undefined>> = env;
