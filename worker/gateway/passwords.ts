import { createHmac, randomBytes } from "node:crypto";
import { passwordHash } from "../../core/gatewaySettings.ts";
import type { Manifest } from "../../core/manifest.ts";
import { basicAuthUser } from "./basicAuth.ts";

const MOST_REMEMBERED = 10_000;

/**
 * Hashes passwords for the route table, each once in this process's life: with a new salt each time, the same routes
 * would look changed at every look. What is remembered of a password is its HMAC under a key that nobody else has.
 */
export class Passwords {
  private readonly key = randomBytes(32);
  private readonly hashes = new Map<string, Promise<string>>();

  /** `manifest` with the hash in place of each secret that is a password, and the names of those secrets. */
  async hashIn(
    manifest: Manifest,
    secrets: ReadonlyMap<string, string>,
  ): Promise<{ manifest: Manifest; used: Set<string> }> {
    const used = new Set<string>();
    const services: NonNullable<Manifest["services"]> = {};
    for (const [name, service] of Object.entries(manifest.services ?? {})) {
      services[name] = service;
      if (!service.gateway?.basicAuth) continue;
      const basicAuth = [];
      for (const credential of service.gateway.basicAuth) {
        if (credential.secret !== undefined) used.add(credential.secret);
        const password = credential.secret === undefined ? undefined : secrets.get(credential.secret);
        basicAuth.push(
          password === undefined
            ? credential
            : { user: credential.user, hash: await this.hash(credential.user, password) },
        );
      }
      services[name] = { ...service, gateway: { ...service.gateway, basicAuth } };
    }
    return { manifest: manifest.services === undefined ? manifest : { ...manifest, services }, used };
  }

  private hash(user: string, password: string): Promise<string> {
    const digest = createHmac("sha256", this.key)
      .update(JSON.stringify([user, password]))
      .digest("base64");
    const known = this.hashes.get(digest);
    if (known !== undefined) return known;
    const hash = basicAuthUser(user, password).then(passwordHash);
    if (this.hashes.size >= MOST_REMEMBERED) this.hashes.clear();
    this.hashes.set(digest, hash);
    return hash;
  }
}
