import * as z from "zod";
import { gatewayPaths } from "./config.ts";
import { askPushDoor, readAnswer } from "./pushDoor.ts";

const PUSH_TIMEOUT_MS = 10_000;

export type PushedCertificate = {
  /** Under which it replaces another one. */
  id: string;
  /** `*.example.com` is every name one label below; `""` is for clients that name nobody. */
  names: readonly string[];
  /** PEM, the name's own first. */
  chain: string;
  key: string;
  /** What `digests` tells of it: nothing secret. */
  digest: string;
};

/** What one ACME server wants to read at `http://<host>/.well-known/acme-challenge/<token>`. */
export type Challenge = { host: string; token: string; answer: string };

/** The gateway's certificates. What is pushed counts from the next handshake on; no connection notices. */
export interface CertificateDoor {
  /** @throws GatewayError `invalid` where key and chain do not belong together, `full`, `busy`, `unreachable`, `deadline` */
  put(certificate: PushedCertificate): Promise<void>;
  remove(id: string): Promise<void>;
  /** By id. */
  digests(): Promise<Map<string, string>>;
  putChallenge(challenge: Challenge): Promise<void>;
  removeChallenge(challenge: Challenge): Promise<void>;
}

export class SocketCertificateDoor implements CertificateDoor {
  private readonly pushSocket: string;

  constructor(dataDir: string) {
    this.pushSocket = gatewayPaths(dataDir).pushSocket;
  }

  async put(certificate: PushedCertificate): Promise<void> {
    await this.ask("PUT", "/certificates", certificate);
  }

  async remove(id: string): Promise<void> {
    await this.ask("DELETE", `/certificates/${id}`);
  }

  async digests(): Promise<Map<string, string>> {
    const answer = await this.ask("GET", "/certificates");
    return new Map(Object.entries(readAnswer(z.record(z.string(), z.string()), answer)));
  }

  async putChallenge(challenge: Challenge): Promise<void> {
    await this.ask("PUT", "/challenges", challenge);
  }

  async removeChallenge(challenge: Challenge): Promise<void> {
    await this.ask("DELETE", "/challenges", challenge);
  }

  private async ask(method: "GET" | "PUT" | "DELETE", path: string, body?: object) {
    return await askPushDoor(this.pushSocket, {
      method,
      path,
      timeoutMs: PUSH_TIMEOUT_MS,
      ...(body && { body: JSON.stringify(body) }),
    });
  }
}
