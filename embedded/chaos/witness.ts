/**
 * Watches a server while others ill-treat it: a signed-in client with a secret and a live query. It must go on being
 * served, and its secret must never reach anybody else.
 */
import { ConvexClient } from "convex/browser";
import { api } from "../conformance/app/convex/_generated/api.js";
import { until } from "../conformance/driver.ts";
import { ISSUER, makeKeys, type Keys } from "../conformance/keys.ts";
import { ServerProcess } from "../conformance/serverProcess.ts";

export const SECRET = "the-secret-of-the-witness-7f3a";
const person = { subject: "witness", issuer: ISSUER };

export class Witness {
  readonly server: ServerProcess;
  readonly keys: Keys;
  readonly #client: ConvexClient;
  #notes: string[] | null = null;
  #round = 0;
  #pid = 0;

  private constructor(server: ServerProcess, keys: Keys) {
    this.server = server;
    this.keys = keys;
    this.#pid = server.pid;
    this.#client = new ConvexClient(server.url, { logger: false });
    this.#client.setAuth(() => keys.token(person));
    this.#client.onUpdate(api.identity.myNotes, {}, (notes) => {
      this.#notes = notes;
    });
  }

  static async start(): Promise<Witness> {
    const keys = await makeKeys();
    const server = new ServerProcess({ env: { CONFORMANCE_JWKS: keys.jwks } });
    await server.start();
    const witness = new Witness(server, keys);
    await witness.token();
    await witness.#client.mutation(api.identity.addNote, { text: SECRET });
    return witness;
  }

  /** A good token of the witness. */
  async token(): Promise<string> {
    return await this.keys.token(person);
  }

  /** Throws unless the same process still serves the witness, writes and live queries both. */
  async assertServed(): Promise<void> {
    if (!this.server.isRunning || this.server.pid !== this.#pid)
      throw new Error(`The server died:\n${this.server.log}`);
    const text = `round ${this.#round++}`;
    await this.#client.mutation(api.identity.addNote, { text });
    await until(`the witness sees ${text}`, () => Promise.resolve(this.#notes?.at(-1) === text));
    if (this.#notes?.[0] !== SECRET) throw new Error("The witness has lost its note.");
  }

  async close(): Promise<void> {
    await this.#client.close();
    await this.server.dispose();
  }
}
