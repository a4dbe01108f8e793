/** One WebSocket connection of the sync protocol: its query set, its identity, and the transitions it is sent. */
import { NOBODY, isAdmin, isExpired, type Identity } from "../auth/identity.ts";
import { actingAs, authenticateAdmin } from "../auth/adminKey.ts";
import { authenticate, AuthenticationError } from "../auth/providers.ts";
import type { Subscription } from "../live/liveQueries.ts";
import type { Backend } from "../runtime/backend.ts";
import type { FunctionResult } from "../runtime/functionResult.ts";
import { canonicalPath } from "../runtime/functions.ts";
import { newRequestId, type Caller, type RequestMeta } from "../runtime/request.ts";
import { errorMessage } from "./errorText.ts";
import {
  encodeTs,
  encodeVersion,
  onlyArgument,
  vClientMessage,
  type AddQuery,
  type ClientMessage,
  type ClientMessageOf,
  type StateVersion,
} from "./protocol.ts";

/** The other side of the connection. */
export interface Peer {
  send(text: string): void;
  /** Ends the connection; `code` as in RFC 6455. */
  close(code: number, reason: string): void;
}

export interface SessionOptions {
  readonly backend: Backend;
  readonly adminKey: string;
  readonly peer: Peer;
  readonly meta: Omit<RequestMeta, "requestId" | "scheduledFunctionId">;
  /** Notes that `flush` has something to send. */
  readonly markDirty: () => void;
}

interface Held {
  readonly subscription: Subscription;
  changed: boolean;
}

/** A message the protocol does not allow here: the connection ends. */
class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

const MAX_CHUNK = 4 << 20;
const MAX_TIMER_MS = 2 ** 31 - 1;
const MAX_INBOX = 50_000;
const MAX_QUERIES = 20_000;

export class Session {
  readonly #options: SessionOptions;
  readonly #queries = new Map<number, Held>();
  #inbox: ClientMessage[] = [];
  #busy = false;
  #version: StateVersion = { querySet: 0, identity: 0, ts: 0n };
  /** The versions that the messages taken so far lead to; `#version` follows in the executor. */
  #expected = { querySet: 0, identity: 0 };
  #identity: Identity = NOBODY;
  #sessionId: string | null = null;
  #answered = false;
  #closed = false;
  #expiry: NodeJS.Timeout | null = null;
  #chunks = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Takes one text frame. Nothing it holds can throw out of here. */
  receive(text: string): void {
    if (this.#closed) return;
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      return this.#fatal("Received a message that is no JSON.");
    }
    const parsed = vClientMessage.safeParse(json);
    if (!parsed.success) return this.#fatal("Received a message that is not part of the protocol.");
    if (this.#inbox.length >= MAX_INBOX) return this.#fatal("Too many messages are waiting.");
    this.#inbox.push(parsed.data);
    if (!this.#busy) void this.#work();
  }

  /** Ends the session: its subscriptions go, running mutations finish without it. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#expiry !== null) clearTimeout(this.#expiry);
    this.#inbox = [];
    for (const { subscription } of this.#queries.values())
      this.#options.backend.live.unsubscribe(subscription);
    this.#queries.clear();
  }

  /** Sends a transition if anything has changed since the last one. Called between the executor's jobs. */
  flush(): void {
    if (this.#closed) return;
    const changed = [...this.#queries].filter(([, held]) => held.changed);
    if (changed.length === 0 && !this.#answered) return;
    this.#answered = false;
    this.#transition(
      {},
      changed.map(([id, held]) => this.#describe(id, held)),
    );
  }

  async #work(): Promise<void> {
    this.#busy = true;
    try {
      for (;;) {
        const message = this.#inbox.shift();
        if (message === undefined || this.#closed) break;
        const waiting = this.#handle(message);
        if (waiting !== null) await waiting;
      }
    } catch (error) {
      if (error instanceof ProtocolError) this.#fatal(error.message);
      else {
        this.#options.backend.log("error", "sync.failed", { message: (error as Error).message });
        this.#options.peer.close(1011, "InternalServerError");
        this.close();
      }
    } finally {
      this.#busy = false;
    }
  }

  /** A promise when later messages must wait for this one. */
  #handle(message: ClientMessage): Promise<void> | null {
    if (message.type === "Connect") {
      if (this.#sessionId !== null) throw new ProtocolError("Connect came twice.");
      this.#sessionId = message.sessionId;
      return null;
    }
    if (this.#sessionId === null) throw new ProtocolError("The first message must be Connect.");
    switch (message.type) {
      case "Authenticate":
        return this.#authenticate(message);
      case "Event":
        return null;
      case "ModifyQuerySet":
      case "Mutation":
      case "Action":
        break;
    }
    if (isExpired(this.#identity, this.#options.backend.now())) {
      this.#expire();
      return null;
    }
    if (message.type === "ModifyQuerySet") return this.#modify(message);
    this.#track(message.type === "Mutation" ? this.#mutation(message) : this.#action(message));
    return null;
  }

  /** Watches work that later messages do not wait for. */
  #track(work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.#options.backend.log("error", "sync.failed", { message: (error as Error).message });
      this.#options.peer.close(1011, "InternalServerError");
      this.close();
    });
  }

  async #authenticate(message: ClientMessageOf<"Authenticate">): Promise<void> {
    const { backend, adminKey } = this.#options;
    if (message.baseVersion !== this.#expected.identity) {
      throw new ProtocolError(
        `Authenticate has base version ${message.baseVersion}, expected ${this.#expected.identity}.`,
      );
    }
    let identity: Identity = NOBODY;
    try {
      if (message.tokenType === "User") {
        identity = await authenticate(backend.app.auth.providers, message.value, backend.now());
      } else if (message.tokenType === "Admin") {
        identity = authenticateAdmin(message.value, adminKey);
        if (message.impersonating !== undefined && message.impersonating !== null) {
          identity = { kind: "admin", actingAs: actingAs(message.impersonating) };
        }
      }
    } catch (error) {
      const text =
        error instanceof AuthenticationError ? error.message : "The identity to act as is malformed.";
      const { baseVersion } = message;
      this.#send(JSON.stringify({ type: "AuthError", error: text, baseVersion, authUpdateAttempted: true }));
      // The client reconnects with a new token, or without one; both sides then agree on their versions again.
      this.#options.peer.close(1000, "AuthError");
      this.close();
      return;
    }
    this.#expected.identity++;
    await backend.executor.other(() => this.#adopt(identity));
  }

  /** Makes `identity` the session's, and re-runs the queries that may depend on it. Runs in the executor. */
  async #adopt(identity: Identity): Promise<void> {
    if (this.#closed) return;
    const changesRights = isAdmin(identity) !== isAdmin(this.#identity);
    this.#identity = identity;
    this.#watchExpiry();
    const modifications: string[] = [];
    for (const [queryId, held] of [...this.#queries]) {
      const { subscription } = held;
      if (!subscription.run.usedIdentity && !changesRights && !held.changed) {
        // The shared result stays; a later run on its behalf must use the new identity.
        const same = JSON.stringify(subscription.request.identity) === JSON.stringify(identity);
        if (same) continue;
      }
      const before = subscription.run;
      this.#options.backend.live.unsubscribe(subscription);
      this.#queries.delete(queryId);
      const next = await this.#subscribe(queryId, { ...subscription.request, identity });
      if (next === null) return;
      if (next.subscription.run !== before || held.changed) modifications.push(this.#describe(queryId, next));
    }
    this.#transition({ identity: this.#version.identity + 1 }, modifications);
  }

  async #modify(message: ClientMessageOf<"ModifyQuerySet">): Promise<void> {
    const { baseVersion, newVersion, modifications } = message;
    if (baseVersion !== this.#expected.querySet || newVersion <= baseVersion) {
      throw new ProtocolError(
        `ModifyQuerySet goes from ${baseVersion} to ${newVersion}, expected ${this.#expected.querySet}.`,
      );
    }
    this.#expected.querySet = newVersion;
    // Not awaited by later messages: the executor keeps the order.
    this.#track(
      this.#options.backend.executor.other(async () => {
        const sent: string[] = [];
        for (const change of modifications) {
          if (this.#closed) return;
          if (change.type === "Remove") {
            this.#remove(change.queryId);
            sent.push(`{"type":"QueryRemoved","queryId":${change.queryId}}`);
          } else {
            sent.push(await this.#add(change));
          }
        }
        if (!this.#closed) this.#transition({ querySet: newVersion }, sent);
      }),
    );
  }

  #remove(queryId: number): void {
    const held = this.#queries.get(queryId);
    this.#queries.delete(queryId);
    if (held !== undefined) this.#options.backend.live.unsubscribe(held.subscription);
  }

  async #add({ queryId, udfPath, args, journal, componentPath }: AddQuery): Promise<string> {
    if (this.#queries.has(queryId)) {
      this.#fatal(`Query ${queryId} was added twice.`);
      return "";
    }
    if (this.#queries.size >= MAX_QUERIES) {
      this.#fatal(`A connection may have ${MAX_QUERIES} queries.`);
      return "";
    }
    const failed = (text: string): string =>
      JSON.stringify({ type: "QueryFailed", queryId, errorMessage: text, logLines: [], journal: null });
    if (typeof componentPath === "string" && componentPath !== "") {
      return failed("Components are not supported by this backend.");
    }
    const held = await this.#subscribe(queryId, {
      ...{ path: canonicalPath(udfPath), args: onlyArgument(args), journal: journal ?? null },
      identity: this.#identity,
    });
    return held === null ? "" : this.#describe(queryId, held);
  }

  async #subscribe(queryId: number, request: Subscription["request"]): Promise<Held | null> {
    const { live } = this.#options.backend;
    let held: Held | null = null;
    const subscription = await live.subscribe(request, () => {
      if (held !== null) held.changed = true;
      this.#options.markDirty();
    });
    if (this.#closed) {
      live.unsubscribe(subscription);
      return null;
    }
    held = { subscription, changed: false };
    this.#queries.set(queryId, held);
    return held;
  }

  async #mutation(message: ClientMessageOf<"Mutation">): Promise<void> {
    const caller = this.#caller();
    if (typeof message.componentPath === "string" && message.componentPath !== "") {
      return this.#answer("MutationResponse", message.requestId, caller, noComponents);
    }
    const attributes =
      caller.identity.kind === "user" ? caller.identity.attributes.tokenIdentifier : caller.identity.kind;
    await this.#options.backend.mutation(message.udfPath, onlyArgument(message.args), caller, {
      internal: isAdmin(caller.identity),
      // A repeated request of somebody else must not find this one's answer.
      request: { sessionId: `${this.#sessionId}|${attributes}`, requestId: message.requestId },
      onCommit: (result) => this.#answer("MutationResponse", message.requestId, caller, result),
    });
  }

  async #action(message: ClientMessageOf<"Action">): Promise<void> {
    const caller = this.#caller();
    const { backend } = this.#options;
    const component = typeof message.componentPath === "string" && message.componentPath !== "";
    const result = component
      ? noComponents
      : await backend.action(message.udfPath, onlyArgument(message.args), caller, {
          internal: isAdmin(caller.identity),
        });
    this.#answer("ActionResponse", message.requestId, caller, result);
  }

  #answer(
    type: "MutationResponse" | "ActionResponse",
    requestId: number,
    caller: Caller,
    { outcome, logLines, ts }: FunctionResult,
  ): void {
    if (this.#closed) return;
    if (outcome.ok) {
      const when = ts === null ? "" : `,"ts":"${encodeTs(ts)}"`;
      this.#send(
        `{"type":"${type}","requestId":${requestId},"success":true,"result":${outcome.json}${when},` +
          `"logLines":${JSON.stringify(logLines)}}`,
      );
      if (type === "MutationResponse") {
        this.#answered = true;
        this.#options.markDirty();
      }
      return;
    }
    const { failure } = outcome;
    const result = errorMessage(caller.meta.requestId, failure);
    this.#send(
      JSON.stringify({ type, requestId, success: false, result, logLines, errorData: failure.data }),
    );
  }

  #describe(queryId: number, held: Held): string {
    held.changed = false;
    const { outcome, logLines, journal } = held.subscription.run;
    const lines = JSON.stringify(logLines);
    const ending = `"logLines":${lines},"journal":${JSON.stringify(journal)}}`;
    if (outcome.ok) return `{"type":"QueryUpdated","queryId":${queryId},"value":${outcome.json},${ending}`;
    const { failure } = outcome;
    const data = failure.data === undefined ? "" : `"errorData":${JSON.stringify(failure.data)},`;
    const text = JSON.stringify(errorMessage(newRequestId(), failure));
    return `{"type":"QueryFailed","queryId":${queryId},"errorMessage":${text},${data}${ending}`;
  }

  #transition(change: Partial<StateVersion>, modifications: readonly string[]): void {
    const start = this.#version;
    const end = { ...start, ...change, ts: this.#options.backend.store.lastTs() };
    this.#version = end;
    const text =
      `{"type":"Transition","startVersion":${encodeVersion(start)},"endVersion":${encodeVersion(end)},` +
      `"modifications":[${modifications.filter((each) => each !== "").join(",")}]}`;
    if (text.length <= MAX_CHUNK) return this.#send(text);
    const transitionId = String(++this.#chunks);
    const totalParts = Math.ceil(text.length / MAX_CHUNK);
    for (let partNumber = 0; partNumber < totalParts; partNumber++) {
      const chunk = text.slice(partNumber * MAX_CHUNK, (partNumber + 1) * MAX_CHUNK);
      this.#send(JSON.stringify({ type: "TransitionChunk", chunk, partNumber, totalParts, transitionId }));
    }
  }

  #watchExpiry(): void {
    if (this.#expiry !== null) clearTimeout(this.#expiry);
    this.#expiry = null;
    if (this.#identity.kind !== "user") return;
    const left = this.#identity.expiresAt - this.#options.backend.now();
    this.#expiry = setTimeout(
      () => (left > MAX_TIMER_MS ? this.#watchExpiry() : this.#expire()),
      Math.min(Math.max(left, 0), MAX_TIMER_MS),
    );
  }

  /** The token is no longer valid: the client is told, and the connection shows it nothing more. */
  #expire(): void {
    if (this.#closed) return;
    const baseVersion = this.#expected.identity;
    const error = "Convex token identity expired";
    this.#send(JSON.stringify({ type: "AuthError", error, baseVersion, authUpdateAttempted: false }));
    this.#options.peer.close(1000, "TokenExpired");
    this.close();
  }

  #caller(): Caller {
    const meta = { ...this.#options.meta, requestId: newRequestId(), scheduledFunctionId: null };
    return { identity: this.#identity, meta };
  }

  #send(text: string): void {
    if (!this.#closed) this.#options.peer.send(text);
  }

  #fatal(error: string): void {
    if (this.#closed) return;
    this.#send(JSON.stringify({ type: "FatalError", error }));
    this.#options.peer.close(1008, "ProtocolError");
    this.close();
  }
}

const noComponents: FunctionResult = {
  outcome: { ok: false, failure: { message: "Components are not supported by this backend." } },
  logLines: [],
  ts: null,
};
