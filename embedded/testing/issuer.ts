/** An issuer of tokens for tests: keys of its own, and a local server that publishes them. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT, type JWK } from "jose";

export type Algorithm = "ES256" | "RS256";

export interface SigningKey {
  readonly kid: string;
  readonly alg: Algorithm;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export async function makeKey(kid: string, alg: Algorithm): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: "sig" };
  return { kid, alg, privateKey, jwk };
}

export interface Claims {
  readonly issuer: string;
  readonly subject?: string;
  readonly audience?: string;
  /** As `setExpirationTime` takes it: `1h`, `-1h`. */
  readonly expires?: string;
  readonly notBefore?: string;
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** A token signed by `key`; `header` replaces what its header says of the algorithm. */
export function mint(key: SigningKey, claims: Claims): Promise<string> {
  const token = new SignJWT({ ...claims.extra })
    .setProtectedHeader({ alg: key.alg, kid: key.kid })
    .setIssuer(claims.issuer)
    .setIssuedAt()
    .setExpirationTime(claims.expires ?? "1h");
  if (claims.subject !== undefined) token.setSubject(claims.subject);
  if (claims.audience !== undefined) token.setAudience(claims.audience);
  if (claims.notBefore !== undefined) token.setNotBefore(claims.notBefore);
  return token.sign(key.privateKey);
}

export const dataUri = (keys: readonly SigningKey[]): string =>
  `data:application/json;base64,${Buffer.from(JSON.stringify({ keys: keys.map(({ jwk }) => jwk) })).toString("base64")}`;

export type Behaviour = "answers" | "fails" | "hangs";

/** Publishes keys at `/jwks.json`, and itself as an OpenID Connect issuer. */
export class Issuer {
  readonly #server = createServer((request, response) => this.#answer(request.url ?? "", response));
  keys: readonly SigningKey[] = [];
  behaviour: Behaviour = "answers";
  /** How often the key set was fetched. */
  fetches = 0;

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(path: string, response: ServerResponse): void {
    const json = (value: unknown): void => {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
    };
    if (path === "/.well-known/openid-configuration") {
      return json({ issuer: this.url, jwks_uri: `${this.url}/jwks.json` });
    }
    this.fetches++;
    if (this.behaviour === "hangs") return;
    if (this.behaviour === "fails") {
      response.writeHead(500).end();
      return;
    }
    json({ keys: this.keys.map(({ jwk }) => jwk) });
  }
}
