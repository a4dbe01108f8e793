import { readFileSync } from "node:fs";
import { ConvexServer } from "./convexServer.ts";
import { FakeContainers, type Behaviour } from "./fakeContainers.ts";
import { FakeEngine } from "./fakeEngine.ts";
import { FakeGateway } from "./fakeGateway.ts";
import { FakePorts } from "./fakePorts.ts";
import { PRESENT, PULLABLE } from "./imageCatalog.ts";
import { Faults } from "./faults.ts";
import { Random } from "./random.ts";
import { Story } from "./story.ts";
import { Supervisor } from "./supervisor.ts";
import { VirtualTime } from "./virtualTime.ts";
import { Watcher } from "./watcher.ts";
import type { FakeContainer } from "./engineObjects.ts";

export const TEMPLATE = readFileSync(new URL("../../docker/project-template.yml", import.meta.url), "utf8");

/** Everything that one seed makes: an engine, a gateway, a control plane, worker processes, and what goes wrong. */
export class World {
  readonly time = new VirtualTime();
  readonly story: Story;
  readonly faults: Faults;
  readonly random: Random;
  readonly engine: FakeEngine;
  readonly containers: FakeContainers;
  readonly gateway: FakeGateway;
  readonly ports = new FakePorts();
  readonly server: ConvexServer;
  readonly watcher: Watcher;
  readonly supervisor: Supervisor;
  controlPlaneUp = true;
  /** When everything that goes wrong has stopped, in virtual ms. */
  calmFrom = Infinity;

  constructor(
    readonly seed: number,
    tells: boolean,
  ) {
    this.story = new Story(tells, () => this.time.ms);
    this.random = new Random(seed, "world");
    this.faults = new Faults(new Random(seed, "faults"));
    this.watcher = new Watcher(this);
    this.engine = new FakeEngine(this.time, new Random(seed, "engine"), this.watcher);
    this.containers = new FakeContainers(this.engine, (container) => this.behaviourOf(container));
    this.gateway = new FakeGateway(this.engine, () => this.watcher.onRoutes());
    this.server = new ConvexServer(this.time, new Random(seed, "convex"), (what, error) =>
      this.watcher.violate(`${what} failed in a way that nobody foresaw: ${String(error)}`),
    );
    this.server.onChange(() => this.watcher.onControlPlane());
    this.supervisor = new Supervisor(this);
    for (const image of PRESENT) this.engine.images.add(image);
    for (const image of PULLABLE) this.engine.registry.add(image);
  }

  get isCalm(): boolean {
    return this.time.ms >= this.calmFrom;
  }

  /** From now on nothing goes wrong any more. */
  calm(): void {
    this.calmFrom = this.time.ms;
    this.faults.stop();
    this.engine.up = true;
    this.gateway.up = true;
    this.controlPlaneUp = true;
    this.supervisor.calm();
  }

  /** What a program does is said by its project's variable `SIM`. */
  private behaviourOf({ plan }: FakeContainer): Behaviour {
    const { random, time } = this;
    const kind = plan.environment.SIM ?? "";
    const untilCalm = Math.max(0, Math.min(this.calmFrom, time.ms + 300_000) - time.ms);
    if (plan.restart === "no") {
      const exitCode = kind === "tests-fail" ? 1 : 0;
      return { listensAfterMs: 10, ends: { afterMs: random.between(500, 20_000), exitCode } };
    }
    const crash = (mostMs: number) => ({
      afterMs: random.between(100, mostMs),
      exitCode: random.between(1, 3),
    });
    const listensAfterMs = random.between(50, 3_000);
    if (this.isCalm) return { listensAfterMs, ends: null };
    switch (kind) {
      case "crashes":
        return { listensAfterMs, ends: random.chance(0.8) ? crash(15_000) : null };
      case "slow":
        return { listensAfterMs: random.between(5_000, 200_000), ends: null };
      case "deaf":
        return { listensAfterMs: untilCalm + 1_000, ends: null };
      default:
        return { listensAfterMs, ends: random.chance(0.04) ? crash(60_000) : null };
    }
  }
}
