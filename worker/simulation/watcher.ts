import type { Doc } from "../../convex/_generated/dataModel.d.ts";
import { LABELS } from "../../core/labels.ts";
import { isFiller } from "../filling/marks.ts";
import { WORKSPACE } from "../../core/render/view.ts";
import { hashOf, isStarterWhole, startedFolders, TORN } from "./archive.ts";
import type { FakeContainer, FakeVolume } from "./engineObjects.ts";
import type { EngineObserver } from "./fakeEngine.ts";
import { REGISTRATION } from "./fakeControlPlane.ts";
import { groupsOf, membersOf, projectOf, releaseOf } from "./rows.ts";
import type { World } from "./world.ts";

/** How long an orphan is left in peace at least. */
const ORPHAN_GRACE_MS = 60_000;
const SUBNETS: ReadonlySet<string> = new Set(["subnets"]);
const PROJECTS: ReadonlySet<string> = new Set(["projects"]);

/** Looks at everything while it happens, and remembers what never may happen. */
export class Watcher implements EngineObserver {
  readonly violations: string[] = [];
  /** Calls of workers by what they ask for, without names; see `invariants.ts`. */
  readonly calls: string[] = [];
  /** Namespaces that no project ever had, with the looks that showed something of them. */
  readonly planted = new Map<string, { firstLookAt: number; looks: Set<number> }>();
  /** A look at everything is three lists: a kind that comes again is another look's. */
  private readonly look = { number: 0, kinds: new Set<string>() };
  /** Namespaces whose volumes were given up once. */
  readonly reclaimed = new Set<string>();
  /** Blocks that somebody outside had at some time. */
  readonly foreignSubnets: string[] = [];
  /** Networks that came of a dead worker's call: whoever told that there are none had looked before. */
  private readonly late = new Set<string>();
  /** Blocks that were free when the control plane last changed. */
  private freeSubnets: ReadonlySet<unknown> = new Set();
  /** The database's version at which they were read. */
  private subnetsAt = 0;
  /** Volumes of groups that had no member at some time, with their writes by then: they may go unless there are more. */
  private readonly nobodys = new WeakMap<FakeVolume, number>();
  /** The database's version at which members were counted. */
  private membersAt = 0;
  /** What a workspace was first filled with: the folders of its starters. */
  private readonly firstFolders = new WeakMap<FakeVolume, string[]>();

  constructor(private readonly world: World) {}

  violate(what: string): void {
    this.world.story.tell("INVARIANT", () => what);
    if (this.violations.length < 20) this.violations.push(what);
  }

  onCall(what: string): void {
    this.calls.push(what);
  }

  onLate(networkId: string): void {
    this.late.add(networkId);
  }

  onTouch(what: string, labels: Record<string, string>): void {
    if (labels[LABELS.instance] === REGISTRATION.instanceId) return;
    this.violate(`a worker touched what is not Slipway's: ${what}`);
  }

  onListed(kind: string, namespaces: ReadonlySet<string>): void {
    const { look } = this;
    if (look.kinds.has(kind)) {
      look.number += 1;
      look.kinds.clear();
    }
    look.kinds.add(kind);
    for (const namespace of namespaces) {
      const planted = this.planted.get(namespace);
      if (!planted) continue;
      if (planted.looks.size === 0) planted.firstLookAt = this.world.time.ms;
      planted.looks.add(look.number);
    }
  }

  onRemoved(kind: string, name: string, labels: Record<string, string>): void {
    this.world.story.tell("engine", () => `${kind} ${name} is removed`);
    const planted = this.planted.get(labels[LABELS.namespace] ?? "");
    if (!planted) return;
    const looks = planted.looks.size;
    if (looks < 2) this.violate(`the orphan ${name} went after ${looks} looks`);
    else if (this.world.time.ms - planted.firstLookAt < ORPHAN_GRACE_MS) {
      this.violate(
        `the orphan ${name} went ${this.world.time.ms - planted.firstLookAt} ms after the first look`,
      );
    }
  }

  /** A workspace that its project has written to must not be filled again; a service that was added gets a folder in it. */
  onFilled(
    volume: FakeVolume,
    container: FakeContainer,
    files: readonly (readonly [string, string])[],
  ): void {
    this.world.story.tell("engine", () => `${volume.name} is being filled by ${container.name}`);
    if (isFiller(container)) this.firstFolders.set(volume, startedFolders(files.map(([path]) => path)));
    if (volume.writes === 0) return;
    const isOverwritten = files.some(
      ([path, content]) => ![undefined, TORN, content].includes(volume.files.get(path)),
    );
    if (isFiller(container) || isOverwritten)
      this.violate(`${volume.name} was filled though its project had written to it`);
  }

  onStart(container: FakeContainer): void {
    this.world.story.tell("engine", () => `${container.name} starts`);
    this.checkFilled(container);
    for (const { address } of container.endpoints.values())
      if (address) this.checkAddress(address, container);
  }

  onVolumeRemoved(volume: FakeVolume): void {
    const namespace = volume.labels[LABELS.namespace];
    if (volume.writes === 0 || isFiller(volume) || volume.labels[LABELS.environment] === "test") return;
    this.checkGroupVolume(volume, namespace);
    const project = projectOf(this.world, namespace);
    if (!project || project.status === "deleting" || this.reclaimed.has(project.namespace)) return;
    // Its release is the snapshot: a workspace of an earlier one has nothing that is not in it.
    if (volume.labels[LABELS.release] !== undefined) return;
    this.violate(`${volume.name} went with its project's files, and ${project.slug} is ${project.status}`);
  }

  /** What a group's members share stays as long as there is one that does not go. */
  private checkGroupVolume(volume: FakeVolume, namespace: string | undefined): void {
    const group = groupsOf(this.world).find((one) => one.namespace === namespace);
    if (!group || this.nobodys.get(volume) === volume.writes) return;
    const staying = membersOf(this.world, group).filter(({ status }) => status !== "deleting");
    if (staying.length === 0) return;
    this.violate(`${volume.name} went with the data of ${staying.map(({ slug }) => slug).join(" and ")}`);
  }

  onChange(): void {}

  /** Every address in the gateway's table must be its project's own, or nobody's. */
  onRoutes(): void {
    for (const routes of this.world.gateway.table.values()) {
      for (const environment of Object.values(routes.environments)) {
        for (const { upstreams } of environment?.services ?? []) {
          for (const { address } of upstreams) {
            const container = this.world.gateway.at(address);
            if (container) this.checkAddress(address, container);
          }
        }
      }
    }
  }

  /**
   * A subnet is given back only once no network of ours has it. One that comes later, from a call of a worker that died,
   * cannot be foreseen; it must be gone in the end.
   */
  onControlPlane(): void {
    this.noteNobodys();
    const { database } = this.world.server;
    if (!database.hasChanged(SUBNETS, this.subnetsAt)) return;
    this.subnetsAt = database.version;
    const rows = database.all("subnets");
    const free = new Set(rows.filter((row) => row.state === "free").map((row) => row.cidr));
    const before = this.freeSubnets;
    this.freeSubnets = free;
    if (free.size === 0) return;
    for (const { id, name, labels, subnet } of this.world.engine.networks.values()) {
      if (!free.has(subnet) || before.has(subnet) || this.late.has(id)) continue;
      if (labels[LABELS.instance] !== REGISTRATION.instanceId) continue;
      const namespace = labels[LABELS.namespace];
      const group = groupsOf(this.world).find((one) => one.namespace === namespace);
      const isMade = group && membersOf(this.world, group).length > 0;
      if (isMade || projectOf(this.world, namespace)) {
        this.violate(`${subnet} was given back while ${name} has it`);
      }
    }
  }

  /** What is left of a group without members is nobody's, though somebody may join it before it goes. */
  private noteNobodys(): void {
    const { database } = this.world.server;
    if (!database.hasChanged(PROJECTS, this.membersAt)) return;
    this.membersAt = database.version;
    for (const group of groupsOf(this.world)) {
      if (membersOf(this.world, group).length > 0) continue;
      for (const volume of this.world.engine.volumes.values())
        if (volume.labels[LABELS.namespace] === group.namespace) this.nobodys.set(volume, volume.writes);
    }
  }

  /** Nobody starts on a workspace before all is there that it has to find in it. */
  private checkFilled(container: FakeContainer): void {
    if (isFiller(container)) return;
    const mount = container.plan.mounts.find(({ target }) => target === WORKSPACE);
    const volume = mount && this.world.engine.volumes.get(mount.volume);
    const project = projectOf(this.world, container.labels[LABELS.namespace]);
    if (!volume || !project) return;
    if ([...volume.putters].some(isFiller))
      this.violate(`${container.name} started on ${volume.name}, which is being filled`);
    const missing =
      container.labels[LABELS.environment] === "dev"
        ? this.missingOfOwn(container, volume)
        : this.missingOfCopy(container, volume, project);
    if (missing === null) return;
    const files = [...volume.files.keys()].join(" ");
    this.violate(`${container.name} started on a workspace ${missing}: ${files}`);
  }

  /**
   * In dev: a service's own starter, which may be put into its folder later than the others'; and before anybody has
   * written to it, all that it was first filled with.
   */
  private missingOfOwn({ plan }: FakeContainer, volume: FakeVolume): string | null {
    const below = `${WORKSPACE}/`;
    const own = plan.workingDir?.startsWith(below) ? [`${plan.workingDir.slice(below.length)}/`] : [];
    const first = volume.writes === 0 ? this.firstFolders.get(volume) : [];
    if (!first) return "that was never filled";
    const lacking = [...own, ...first].find((folder) => !isStarterWhole(volume.files, folder));
    return lacking === undefined ? null : `without the starter of ./${lacking}`;
  }

  /** Elsewhere: what its release's snapshot has, or what dev had, and no half of anything. */
  private missingOfCopy(
    { labels }: FakeContainer,
    { files, writes }: FakeVolume,
    project: Doc<"projects">,
  ): string | null {
    const half = startedFolders(files.keys()).find((folder) => !isStarterWhole(files, folder));
    if (half !== undefined) return `with half a starter in ./${half}`;
    if (writes > 0) return null;
    const snapshot = releaseOf(this.world, project, labels[LABELS.release])?.snapshot;
    if (snapshot === undefined) return files.size === 0 ? "that is empty" : null;
    return hashOf(files) === snapshot ? null : `that is not ${snapshot}`;
  }

  private checkAddress(address: string, container: FakeContainer): void {
    const namespace = container.labels[LABELS.namespace];
    for (const routes of this.world.gateway.table.values()) {
      if (routes.namespace === namespace) continue;
      for (const environment of Object.values(routes.environments)) {
        for (const { upstreams } of environment?.services ?? []) {
          if (upstreams.some((upstream) => upstream.address === address)) {
            this.violate(`requests to ${routes.namespace} go to ${container.name} at ${address}`);
          }
        }
      }
    }
  }
}
