import { readFile } from "node:fs/promises";
import type { ManifestInput } from "../../core/manifest.ts";
import type { ProjectSpec, ReleaseSpec } from "../../core/projectSpec.ts";
import type { DeployReport } from "../../worker/rollout/rolloutStep.ts";
import type { World } from "../worker/world.ts";

const IMAGE = "slipway/node:20";
const PORT = 3000;
const WITHIN_MS = 60_000;

export type Behaviour = "well" | "sick" | "dies" | "breaks" | "hangs" | "tears" | "pensive" | "shy";

type Rollout = NonNullable<NonNullable<ManifestInput["environments"]>["deploy"]>["rollout"];

/** One project whose deploy environment is rolled out by a real worker, from releases that need no files. */
export class Deploys {
  private readonly made: ReleaseSpec[] = [];

  private constructor(
    readonly world: World,
    readonly project: ProjectSpec,
    private readonly app: string,
  ) {}

  static async make(world: World, slug: string): Promise<Deploys> {
    const app = await readFile(new URL("app.mjs", import.meta.url), "utf8");
    return new Deploys(world, world.controlPlane.create(slug), app);
  }

  get base(): string {
    return `/projects/${this.project.namespace}/deploy`;
  }

  /** A tested release that says of itself that it is `version`. */
  make(
    version: string,
    options: { replicas?: number; behaviour?: Behaviour; rollout?: Rollout } = {},
  ): ReleaseSpec {
    const { replicas = 2, behaviour = "well", rollout } = options;
    const release = this.world.controlPlane.makePassed(this.project.projectId, {
      egress: "none",
      services: {
        web: {
          image: IMAGE,
          command: ["node", "--input-type=module", "-e", this.app],
          port: PORT,
          route: "/",
          health: "/health",
          env: { VERSION: version, BEHAVIOUR: behaviour },
        },
      },
      environments: { deploy: { cpus: 1, memory: "128m", replicas, ...(rollout && { rollout }) } },
    });
    this.made.push(release);
    return release;
  }

  /** Wants `release`, and waits for what the worker says became of it. */
  async deploy(release: ReleaseSpec): Promise<DeployReport> {
    const { controlPlane } = this.world;
    const before = controlPlane.deploys.length;
    controlPlane.deploy(this.project.projectId, { release });
    const isTold = ({ releaseId }: DeployReport) => releaseId === release.releaseId;
    await controlPlane.until(
      () => controlPlane.deploys.slice(before).some(isTold),
      `release ${release.number} live or failed; ${this.world.logs.slice(-30).join("\n")}`,
      WITHIN_MS,
    );
    return controlPlane.deploys.slice(before).find(isTold)!;
  }

  /** The release of `number`, with what another one says of its services: as after a secret of theirs was set. */
  changed(number: number, as: ReleaseSpec): ReleaseSpec {
    return { ...this.release(number), manifest: as.manifest };
  }

  /** Has the worker look again, at a new generation, though nobody asked for anything. */
  touch(): void {
    this.world.controlPlane.deploy(this.project.projectId, {});
  }

  /** Ends the worker and starts another, which has led users to where they are to go. */
  async restartWorker(): Promise<void> {
    const { world } = this;
    await world.stopWorker();
    const before = world.logs.length;
    await world.startWorker();
    const isRouted = (line: string) => line.includes('"routed"') && line.includes(this.project.namespace);
    await world.eventually("routed", async () => world.logs.slice(before).some(isRouted));
  }

  /** The release before: made earlier, wanted again. */
  release(number: number): ReleaseSpec {
    return this.made[number - 1]!;
  }

  scale(replicas: number): void {
    this.world.controlPlane.deploy(this.project.projectId, { rollout: { replicas: { web: replicas } } });
  }

  canary(release: ReleaseSpec | null, percent: number): void {
    const canary = release && { release, percent };
    this.world.controlPlane.deploy(this.project.projectId, { rollout: { canary } });
  }

  /** How many containers the gateway leads requests to. */
  async upstreams(): Promise<number> {
    const routes = await this.world.gateway.routes(this.project.namespace);
    return routes?.environments.deploy?.services[0]?.upstreams.filter(({ standby }) => !standby).length ?? 0;
  }

  async idsOf(release: number): Promise<string[]> {
    return (await this.containers()).filter((one) => one.release === String(release)).map(({ id }) => id);
  }

  async statesOf(release: number): Promise<string[]> {
    return (await this.containers())
      .filter((one) => one.release === String(release))
      .map(({ state }) => state);
  }

  /** The ids of POSTs that containers say they got, one for each time. */
  async posted(): Promise<string[]> {
    const logs = await Promise.all(
      (await this.containers()).map(async ({ id }) => {
        const log = await this.world.docker.getContainer(id).logs({ stdout: true });
        return [...log.toString("utf8").matchAll(/POST (\S+)/g)].map(([, id]) => id!);
      }),
    );
    return logs.flat();
  }

  /** The deploy environment's containers, by name. */
  async containers(): Promise<{ id: string; name: string; state: string; release: string }[]> {
    const filters = { label: [`slipway.namespace=${this.project.namespace}`, "slipway.environment=deploy"] };
    const found = await this.world.docker.listContainers({ all: true, filters });
    return found
      .map(({ Id, Names, State, Labels }) => ({
        id: Id,
        name: Names[0]!.slice(1),
        state: State,
        release: Labels["slipway.release"] ?? "",
      }))
      .sort((one, other) => one.name.localeCompare(other.name));
  }
}
