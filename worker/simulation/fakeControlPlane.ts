import { SlipwayError } from "../../core/errors.ts";
import type { ProjectSpec } from "../../core/projectSpec.ts";
import type { ControlPlane, HostedProject, InboxRow } from "../controlPlane.ts";
import type { ConvexServer } from "./convexServer.ts";
import type { Faults } from "./faults.ts";
import type { VirtualTime } from "./virtualTime.ts";

const DEADLINE_MS = 10_000;
const RECONNECT_MS = 500;

type Lease = { hostId: string; epoch: number };

export const REGISTRATION = {
  name: "host-1",
  instanceId: "sim12345",
  version: "0.1.0",
  engineVersion: "20.10.24",
  cpus: 64,
  memoryBytes: 256 * 1024 ** 3,
  stacks: ["node", "python", "react", "static"],
};

/** Specs that say the same are the same object, over all runs of a process, so that each is rendered once. */
const interned = new Map<string, ProjectSpec>();
const internedAs = new WeakMap<ProjectSpec, ProjectSpec>();
const MOST_INTERNED = 20_000;

export function intern(spec: ProjectSpec): ProjectSpec {
  const same = internedAs.get(spec);
  if (same) return same;
  const text = JSON.stringify(spec);
  if (interned.size >= MOST_INTERNED) interned.clear();
  const one = interned.get(text) ?? spec;
  interned.set(text, one);
  internedAs.set(spec, one);
  return one;
}

/**
 * One process's connection to the control plane, as Convex's client keeps it: calls are sent in their order, those that
 * were not answered are sent again when the connection is back, however long nobody has waited for them any more, and
 * a subscription tells its newest result.
 */
export class FakeControlPlane implements ControlPlane {
  private lease: Lease | null = null;
  private readonly outbox: (() => Promise<void>)[] = [];
  private sending = false;

  constructor(
    private readonly server: ConvexServer,
    private readonly time: VirtualTime,
    private readonly faults: Faults,
    private readonly isAlive: () => boolean,
    private readonly isUp: () => boolean,
    private readonly onStep: (step: "sent" | "effect", what: string) => void,
  ) {}

  async register(): Promise<{ leaseMs: number }> {
    const { hostId, epoch, leaseMs } = await this.call<Lease & { leaseMs: number }>(
      "worker:register",
      REGISTRATION,
    );
    this.lease = { hostId, epoch };
    return { leaseMs };
  }

  watchInbox(onRows: (rows: InboxRow[]) => void): () => void {
    let told: string | null = null;
    let due = false;
    let closed = false;
    let isStale = () => true;
    const look = async () => {
      due = false;
      if (closed || !this.isAlive()) return;
      if (!this.isUp()) return later(RECONNECT_MS);
      const { hostId } = this.held();
      if (!isStale()) return;
      const found = await this.server.subscribe<InboxRow[]>("worker:inbox", { hostId }, "worker");
      isStale = found.isStale;
      const rows = found.value;
      const text = JSON.stringify(rows);
      if (text === told) return;
      told = text;
      this.time.after(this.faults.fateOf("control plane").answerMs, () => {
        if (this.isAlive() && !closed && told === text) onRows(rows);
      });
    };
    const later = (delayMs: number) => {
      if (due) return;
      due = true;
      this.time.after(delayMs, () => void look());
    };
    const stop = this.server.onChange(() => {
      if (isStale()) later(2);
    });
    later(2);
    return () => {
      closed = true;
      stop();
    };
  }

  async project(projectId: string): Promise<ProjectSpec | null> {
    const spec = await this.call<ProjectSpec | null>("worker:project", { ...this.held(), projectId });
    return spec && intern(spec);
  }

  async projects(): Promise<HostedProject[]> {
    return await this.listed("worker:projects");
  }

  async groups(): Promise<string[]> {
    return await this.listed("worker:groups");
  }

  private async listed<T>(path: string): Promise<T[]> {
    const { hostId } = this.held();
    const paginationOpts = { numItems: 100, cursor: null };
    return (await this.call<{ page: T[] }>(path, { hostId, paginationOpts })).page;
  }

  async report(...[projectId, environments]: Parameters<ControlPlane["report"]>): Promise<void> {
    await this.call("worker:report", { ...this.held(), projectId, environments });
  }

  async confirmDeleted(projectId: string): Promise<void> {
    await this.call("worker:confirmDeleted", { ...this.held(), projectId });
  }

  async reportSnapshot(...[projectId, releaseId, taken]: Parameters<ControlPlane["reportSnapshot"]>) {
    await this.call("worker:reportSnapshot", { ...this.held(), projectId, releaseId, ...taken });
  }

  async reportTest(...[projectId, releaseId, result]: Parameters<ControlPlane["reportTest"]>) {
    await this.call("worker:reportTest", { ...this.held(), projectId, releaseId, result });
  }

  async reportDeploy(...[projectId, report]: Parameters<ControlPlane["reportDeploy"]>): Promise<void> {
    await this.call("worker:reportDeploy", { ...this.held(), projectId, ...report });
  }

  async reallocatePort(...[projectId, taken]: Parameters<ControlPlane["reallocatePort"]>): Promise<void> {
    await this.call("worker:reallocatePort", { ...this.held(), projectId, ...taken });
  }

  async reallocateSubnet(...[projectId, taken]: Parameters<ControlPlane["reallocateSubnet"]>): Promise<void> {
    await this.call("worker:reallocateSubnet", { ...this.held(), projectId, ...taken });
  }

  async heartbeat(): Promise<void> {
    await this.call("worker:heartbeat", this.held());
  }

  async unregister(): Promise<void> {
    await this.call("worker:unregister", this.held());
  }

  private held(): Lease {
    if (this.lease) return this.lease;
    throw new Error("The worker speaks before it has registered.");
  }

  /** Settles within the deadline; the call itself stays in the outbox until it has been answered. */
  private call<T>(path: string, args: object): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (!this.isAlive()) return;
      this.onStep("sent", path);
      if (!this.isAlive()) return;
      let open = true;
      const settle = (how: () => void) => {
        if (!open) return;
        open = false;
        cancel();
        if (this.isAlive()) how();
      };
      const cancel = this.time.deadline(DEADLINE_MS, () => settle(() => reject(unanswered(path))));
      this.outbox.push(async () => {
        const { requestMs, answerMs } = this.faults.fateOf("control plane");
        await this.time.pause(requestMs);
        const answer = await this.server.call<T>(path, args, "worker").then(
          (value) => () => resolve(value),
          (error: unknown) => () => reject(error as Error),
        );
        this.onStep("effect", path);
        this.time.after(answerMs, () => settle(answer));
      });
      void this.send();
    });
  }

  private async send(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    while (this.isAlive()) {
      const next = this.outbox[0];
      if (!next) break;
      if (this.isUp()) {
        this.outbox.shift();
        await next();
      } else await this.time.pause(RECONNECT_MS);
    }
    this.sending = false;
  }
}

function unanswered(path: string): SlipwayError {
  return new SlipwayError({
    code: "deadline",
    message: `The control plane did not answer ${path} within 10 s.`,
  });
}
