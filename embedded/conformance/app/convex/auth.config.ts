/** The key set is made anew for each test run; without one, no token is accepted. */
const jwks = process.env.CONFORMANCE_JWKS ?? "data:application/json,%7B%22keys%22%3A%5B%5D%7D";

export default {
  providers: [
    {
      type: "customJwt",
      issuer: "https://issuer.test",
      applicationID: "conformance",
      jwks,
      algorithm: "ES256",
    },
    {
      type: "customJwt",
      issuer: "https://rsa.issuer.test",
      applicationID: "conformance",
      jwks,
      algorithm: "RS256",
    },
  ],
};
