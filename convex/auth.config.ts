import type { AuthConfig } from "convex/server";
import { APPLICATION_ID, ISSUER } from "../core/access.ts";

export default {
  providers: [
    {
      type: "customJwt",
      issuer: ISSUER,
      applicationID: APPLICATION_ID,
      algorithm: "ES256",
      // A `data:` URI with the public keys. Convex reads this file apart from the functions: `env` is not there.
      // eslint-disable-next-line @convex-dev/no-process-env
      jwks: process.env.SLIPWAY_JWKS!,
    },
  ],
} satisfies AuthConfig;
