import { SlipwayError } from "../../core/errors.ts";
import { EngineError } from "../engine/engineError.ts";
import { GatewayError } from "../gateway/gatewayError.ts";
import { Worker } from "../worker.ts";
import { STARTERS } from "./archive.ts";
import { EngineClient } from "./engineClient.ts";
import { FakeControlPlane, REGISTRATION } from "./fakeControlPlane.ts";
import { GatewayClient } from "./fakeGateway.ts";
import { PortClient } from "./fakePorts.ts";
import { Line } from "./line.ts";
import { processClock } from "./virtualTime.ts";
import { ATTACHMENTS, STACKS } from "./imageCatalog.ts";
import { TEMPLATE, type World } from "./world.ts";

/** As `convexControlPlane.ts` tells it; that file is not loaded, for it brings Convex's client. */
const isFenced = (error: unknown) => error instanceof SlipwayError && error.data.code === "stale_epoch";

const REGISTER_AGAIN_MS = 2_000;

/** Dies at one of its own steps: the `at`th call, before it is sent, or when it has taken effect and no answer came. */
export type Doom = { at: number; on: "sent" | "effect" };

/** A worker's process as `main.ts` makes it: it registers, sends heartbeats, and ends when it is fenced. */
export class WorkerProcess {
  alive = true;
  engine!: EngineClient;
  readonly ports: PortClient;
  private steps = 0;

  constructor(
    private readonly world: World,
    readonly name: string,
    private doom: Doom | null,
    private readonly onEnd: () => void,
  ) {
    this.ports = new PortClient(world.ports, () => this.alive);
  }

  async begin(): Promise<void> {
    const { world } = this;
    const isAlive = () => this.alive;
    const onStep = (step: "sent" | "effect", what: string) => this.step(step, what);
    const common = { time: world.time, faults: world.faults, random: world.random, isAlive, onStep };
    const engineLine = new Line({
      ...common,
      peer: "engine",
      isUp: () => world.engine.up,
      unreachable: (what) => new EngineError("unreachable", `Docker could not ${what}: socket hang up`),
      deadline: (what, ms) => new EngineError("deadline", `Docker could not ${what} within ${ms / 1000} s`),
    });
    const gatewayLine = new Line({
      ...common,
      peer: "gateway",
      isUp: () => world.gateway.up,
      unreachable: (what) => new GatewayError("unreachable", `The gateway could not ${what}.`),
      deadline: (what) => new GatewayError("deadline", `The gateway did not ${what} in time.`),
    });
    this.engine = new EngineClient(world.engine, world.containers, engineLine, world.faults, isAlive);
    const controlPlane = new FakeControlPlane(
      world.server,
      world.time,
      world.faults,
      isAlive,
      () => world.controlPlaneUp,
      onStep,
    );
    const leaseMs = await this.register(controlPlane);
    const clock = processClock(world.time, isAlive);
    const worker = new Worker({
      engine: this.engine,
      controlPlane,
      gateway: new GatewayClient(world.gateway, gatewayLine),
      starters: STARTERS,
      hostPorts: this.ports,
      stacks: STACKS,
      attaching: { definitions: ATTACHMENTS, credentials: async (name) => `secret of ${name}` },
      template: TEMPLATE,
      instanceId: REGISTRATION.instanceId,
      clock,
      random: world.random.next,
      log: (event, fields = {}) => this.tell(event, fields),
      ensureShared: async () => {
        await engineLine.call("look at the gateway", 30_000, async () => {});
        if (!world.gateway.up) throw new GatewayError("unreachable", "The gateway is not there yet.");
      },
      onFenced: () => this.end("is fenced"),
      isFenced,
    });
    const beat = async () => {
      try {
        await controlPlane.heartbeat();
        worker.onControlPlaneHeard();
      } catch (error) {
        if (isFenced(error)) this.end("is fenced");
      }
    };
    const heartbeats = () => {
      void beat();
      // Once nothing is lost on the way, as few as keep the lease.
      clock.after(world.isCalm ? leaseMs * 0.8 : leaseMs / 3, heartbeats);
    };
    clock.after(leaseMs / 3, heartbeats);
    try {
      await worker.start();
    } catch (error) {
      this.tell("start-failed", { error });
      this.end("could not start");
    }
  }

  forgiveDoom(): void {
    this.doom = null;
  }

  /** Nothing that it waits for comes any more, and nothing that it does counts. */
  end(why: string): void {
    if (!this.alive) return;
    this.alive = false;
    void this.ports.close();
    this.world.story.tell(this.name, () => `ENDS: ${why}`);
    this.onEnd();
  }

  private async register(controlPlane: FakeControlPlane): Promise<number> {
    for (;;) {
      try {
        return (await controlPlane.register()).leaseMs;
      } catch (error) {
        if (!(error instanceof SlipwayError) || error.data.code !== "deadline") throw error;
        await this.world.time.pause(REGISTER_AGAIN_MS);
      }
    }
  }

  private step(step: "sent" | "effect", what: string): void {
    if (!this.alive) return;
    if (step === "sent") {
      this.steps += 1;
      this.world.watcher.onCall(what);
    }
    if (this.doom && this.steps >= this.doom.at && step === this.doom.on)
      this.end(`crash at "${what}", ${step}`);
  }

  private tell(event: string, fields: Record<string, unknown>): void {
    this.world.story.tell(this.name, () => {
      const shown = Object.entries(fields).flatMap(([key, value]) => {
        // How long something took is measured with the real clock, which no seed decides.
        if (key === "ms") return [];
        const text = value instanceof Error ? value.message : String(value);
        return [`${key}=${text}`];
      });
      return [event, ...shown].join(" ");
    });
  }
}
