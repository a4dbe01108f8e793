import { makeGroupNamespace, parseGroupAttachments } from "../../core/groups.ts";
import { makeNamespace } from "../../core/naming.ts";
import {
  desiredAfter,
  ENVIRONMENT_KINDS,
  type DesiredState,
  type EnvironmentKind,
  type Status,
} from "../../core/lifecycle.ts";
import { parseManifest, type Manifest, type ManifestInput } from "../../core/manifest.ts";
import { publishedServices } from "../../core/ports.ts";
import {
  isSettled,
  type EnvironmentObservation,
  type EnvironmentSpec,
  type GroupSpec,
  type ProjectSpec,
  type ReleaseSpec,
  type RolloutSpec,
} from "../../core/projectSpec.ts";
import { hasPassed, KEPT_SNAPSHOTS, type ReleaseState, type TestResult } from "../../core/releases.ts";
import type { DeployReport } from "../rollout/rolloutStep.ts";
import type {
  ControlPlane,
  HostedProject,
  InboxRow,
  TakenPort,
  TakenSnapshot,
  TakenSubnet,
} from "../controlPlane.ts";

export type MemoryRelease = {
  releaseId: string;
  number: number;
  state: ReleaseState;
  taken: TakenSnapshot | null;
  result: TestResult | null;
};

type Row = {
  spec: ProjectSpec;
  releases: MemoryRelease[];
  observed: Map<EnvironmentKind, EnvironmentObservation>;
  inbox: Set<EnvironmentKind>;
};

/** A control plane in memory, by the contract's rules, for tests and simulation of the worker alone. */
export class MemoryControlPlane implements ControlPlane {
  readonly rows = new Map<string, Row>();
  /** Every report in the order in which they came, as `slug kind phase`. */
  readonly reports: string[] = [];
  private readonly listeners = new Set<(rows: InboxRow[]) => void>();
  private readonly changes = new Set<() => void>();
  private nextSubnet = 0;
  /** The host port that is given out next. */
  nextPort = 31_700;
  private count = 0;
  private readonly subnetPrefix: string;
  private readonly random: () => number;

  /** @param subnetPrefix the first two bytes of all subnets, like `10.248` */
  constructor(subnetPrefix: string, random: () => number = Math.random) {
    this.subnetPrefix = subnetPrefix;
    this.random = random;
  }

  create(slug: string, manifest: Partial<ManifestInput> = {}, group: GroupSpec | null = null): ProjectSpec {
    this.count += 1;
    const projectId = `${slug}-${this.count}`;
    const spec: ProjectSpec = {
      projectId,
      slug,
      name: slug,
      namespace: makeNamespace(1_700_000_000_000 + this.count, this.random),
      status: "created",
      group,
      manifest: parseManifest({ name: slug, ...(manifest.services ? {} : { stack: "node" }), ...manifest }),
      environments: ENVIRONMENT_KINDS.map((kind) => ({
        kind,
        desired: "absent",
        generation: 0,
        subnet: null,
        egressSubnet: null,
        keepVolumes: false,
      })),
    };
    this.rows.set(projectId, { spec, releases: [], observed: new Map(), inbox: new Set() });
    return spec;
  }

  move(projectId: string, status: Status): void {
    const row = this.row(projectId);
    const releases = this.makesReleases ? this.releasesOfMove(row, status) : {};
    const environments = row.spec.environments.map((environment): EnvironmentSpec => {
      const desired = this.leavesOut.has(environment.kind)
        ? "absent"
        : desiredAfter(status, environment.kind, environment.desired);
      const over = environment.kind === "test" && desired === "absent";
      const release = over ? null : (releases[environment.kind] ?? environment.release);
      const same = desired === environment.desired && release?.releaseId === environment.release?.releaseId;
      if (same && status !== "deleting") return environment;
      row.inbox.add(environment.kind);
      return {
        ...environment,
        ...(release === undefined ? {} : { release }),
        desired,
        generation: environment.generation + 1,
        subnet: desired === "absent" ? null : (environment.subnet ?? this.subnet()),
        egressSubnet: desired === "absent" ? null : (environment.egressSubnet ?? this.subnet()),
        ports: desired === "absent" ? {} : this.portsFor(row.spec.manifest, environment.ports),
        keepVolumes: status === "failed" || status === "planning",
      };
    });
    row.spec = { ...row.spec, status, environments };
    this.tell();
  }

  /** Environments that no move wants, where a test is about the others alone. */
  readonly leavesOut = new Set<EnvironmentKind>();

  /** Whether a move to testing makes a release, as the real control plane has it. */
  makesReleases = false;

  release(projectId: string, number: number): MemoryRelease {
    const release = this.row(projectId).releases.find((one) => one.number === number);
    if (!release) throw new Error(`${projectId} has no release ${number}.`);
    return release;
  }

  private releasesOfMove(row: Row, status: Status): Partial<Record<EnvironmentKind, ReleaseSpec>> {
    const newest = row.releases.at(-1);
    if (row.spec.status === "testing" && (newest?.state === "building" || newest?.state === "testing")) {
      newest.state = "failed";
    }
    if (status === "testing") return { test: this.makeRelease(row, "building") };
    if (status !== "deployment" || row.spec.status === "paused") return {};
    if (newest?.state === "passed") return { deploy: specOf(newest, row.spec.manifest) };
    return { deploy: this.makeRelease(row, "untested") };
  }

  private makeRelease(row: Row, state: ReleaseState): ReleaseSpec {
    const number = row.releases.length + 1;
    const releaseId = `${row.spec.projectId}-release-${number}`;
    const release: MemoryRelease = { releaseId, number, state, taken: null, result: null };
    row.releases.push(release);
    return specOf(release, row.spec.manifest);
  }

  async reportSnapshot(projectId: string, releaseId: string, taken: TakenSnapshot): Promise<void> {
    this.changeRelease(projectId, releaseId, (release) => {
      if (release.taken || release.state === "failed") return;
      release.taken = taken;
      if (release.state === "building") release.state = "testing";
    });
  }

  async reportTest(projectId: string, releaseId: string, result: TestResult): Promise<void> {
    this.changeRelease(projectId, releaseId, (release) => {
      if (release.state !== "testing") return;
      release.result = result;
      release.state = hasPassed(result) ? "passed" : "failed";
    });
  }

  /** Every report of a rollout, in the order in which they came. */
  readonly deploys: DeployReport[] = [];

  async reportDeploy(projectId: string, report: DeployReport): Promise<void> {
    this.deploys.push(report);
    const { releaseId, state } = report;
    const row = this.row(projectId);
    this.changeDeploy(projectId, (deploy, rollout) => {
      if (rollout.canary?.release.releaseId === releaseId && state === "failed") {
        row.inbox.add("deploy");
        return { ...deploy, generation: deploy.generation + 1, rollout: { ...rollout, canary: null } };
      }
      if (deploy.release?.releaseId !== releaseId) return deploy;
      const before = row.releases.find((release) => release.releaseId === rollout.live);
      if (state === "failed") {
        if (!before || rollout.live === releaseId) {
          const { rollout: id, cause } = report;
          const undone = report.undone && { ...report.undone, id, cause: cause ?? "" };
          return { ...deploy, rollout: { ...rollout, undone } };
        }
        row.inbox.add("deploy");
        const release = specOf(before, this.manifests.get(before.releaseId)!);
        return { ...deploy, release, generation: deploy.generation + 1 };
      }
      // For good: nobody waits so long here that its time could end.
      const kept = before && before.releaseId !== releaseId ? { number: before.number } : rollout.kept;
      return { ...deploy, rollout: { ...rollout, live: releaseId, kept, undone: null } };
    });
  }

  private readonly manifests = new Map<string, Manifest>();

  /** A release that is tested already, of services that need no files. */
  makePassed(projectId: string, manifest: Partial<ManifestInput>): ReleaseSpec {
    const row = this.row(projectId);
    const parsed = parseManifest({ name: row.spec.name, ...manifest });
    const number = row.releases.length + 1;
    const taken = { snapshot: String(number).padStart(64, "0"), files: 0, bytes: 0 };
    const result = { exitCode: 0, timedOut: false, durationMs: 1, output: "", services: [] };
    const releaseId = `${projectId}-release-${number}`;
    const release: MemoryRelease = { releaseId, number, state: "passed", taken, result };
    row.releases.push(release);
    this.manifests.set(releaseId, parsed);
    return specOf(release, parsed);
  }

  /** Changes what is wanted of the deploy environment, at its next generation. */
  deploy(projectId: string, change: { release?: ReleaseSpec; rollout?: Partial<RolloutSpec> }): void {
    this.row(projectId).inbox.add("deploy");
    this.changeDeploy(projectId, (deploy, rollout) => ({
      ...deploy,
      desired: "running",
      generation: deploy.generation + 1,
      subnet: deploy.subnet ?? this.subnet(),
      egressSubnet: deploy.egressSubnet ?? this.subnet(),
      release: change.release ?? deploy.release,
      rollout: { ...rollout, ...change.rollout, attempt: rollout.attempt + (change.release ? 1 : 0) },
    }));
  }

  private changeDeploy(
    projectId: string,
    change: (deploy: EnvironmentSpec, rollout: RolloutSpec) => EnvironmentSpec,
  ): void {
    const row = this.row(projectId);
    const nothing: RolloutSpec = {
      ...{ live: null, kept: null, canary: null, replicas: {}, attempt: 0, undone: null },
    };
    const environments = row.spec.environments.map((environment) =>
      environment.kind === "deploy" ? change(environment, environment.rollout ?? nothing) : environment,
    );
    row.spec = { ...row.spec, environments };
    this.tell();
  }

  private changeRelease(
    projectId: string,
    releaseId: string,
    change: (release: MemoryRelease) => void,
  ): void {
    const row = this.row(projectId);
    const release = row.releases.find((one) => one.releaseId === releaseId);
    if (!release) throw new Error(`${projectId} has no release ${releaseId}.`);
    change(release);
    const environments = row.spec.environments.map((environment) =>
      environment.release?.releaseId === releaseId
        ? { ...environment, release: specOf(release, environment.release.manifest) }
        : environment,
    );
    const taken = row.releases.flatMap(({ taken }) => (taken ? [taken.snapshot] : []));
    const used = environments.flatMap(({ release }) => (release?.snapshot ? [release.snapshot] : []));
    const snapshots = [...new Set([...taken.reverse()])].slice(0, KEPT_SNAPSHOTS);
    row.spec = { ...row.spec, environments, snapshots: [...new Set([...snapshots, ...used])] };
    this.tell();
  }

  /** Changes a project's manifest and so every environment of it that is wanted. */
  edit(projectId: string, manifest: Partial<ManifestInput>): void {
    const row = this.row(projectId);
    row.spec = {
      ...row.spec,
      manifest: parseManifest({ ...row.spec.manifest, ...manifest }),
      environments: row.spec.environments.map((environment) => {
        if (environment.desired === "absent") return environment;
        row.inbox.add(environment.kind);
        return { ...environment, generation: environment.generation + 1 };
      }),
    };
    this.tell();
  }

  /** Whoever followed the inbox is no more. */
  dropListeners(): void {
    this.listeners.clear();
  }

  observed(projectId: string, kind: EnvironmentKind): EnvironmentObservation | undefined {
    return this.rows.get(projectId)?.observed.get(kind);
  }

  /** Settles once `condition` holds; asked again after each change here. */
  async until(condition: () => boolean, what: string, timeoutMs: number): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve, reject) => {
      const done = () => {
        if (!condition()) return;
        clearTimeout(timer);
        this.changes.delete(done);
        resolve();
      };
      const timer = setTimeout(() => {
        this.changes.delete(done);
        reject(new Error(`Not within ${timeoutMs} ms: ${what}. Reports: ${this.reports.join("; ")}`));
      }, timeoutMs);
      this.changes.add(done);
    });
  }

  watchInbox(onRows: (rows: InboxRow[]) => void): () => void {
    this.listeners.add(onRows);
    onRows(this.inbox());
    return () => void this.listeners.delete(onRows);
  }

  async project(projectId: string): Promise<ProjectSpec | null> {
    const spec = this.rows.get(projectId)?.spec ?? null;
    return spec?.group ? { ...spec, group: this.groupNow(spec.group) } : spec;
  }

  /** A group that projects are put into by `create(…, …, group)`. */
  createGroup(name: string, attachments: unknown): GroupSpec {
    this.count += 1;
    return {
      name,
      namespace: makeGroupNamespace(1_700_000_000_000 + this.count, this.random),
      attachments: parseGroupAttachments(attachments),
      desired: { dev: "absent", test: "absent", deploy: "absent" },
      subnets: {},
    };
  }

  /** What the members of a group want of it at this moment. */
  private groupNow(group: GroupSpec): GroupSpec {
    const members = [...this.rows.values()].filter(({ spec }) => spec.group?.namespace === group.namespace);
    const subnets = (this.groupSubnets[group.namespace] ??= {});
    const desired = { ...group.desired };
    for (const kind of ENVIRONMENT_KINDS) {
      const wanted = members.flatMap(({ spec }) => spec.environments.filter((one) => one.kind === kind));
      const is = (state: DesiredState) => wanted.some((environment) => environment.desired === state);
      desired[kind] = is("running") ? "running" : is("hibernated") ? "hibernated" : "absent";
      if (desired[kind] !== "absent") subnets[kind] ??= this.subnet();
    }
    return { ...group, desired, subnets: { ...subnets } };
  }
  private readonly groupSubnets: Record<string, GroupSpec["subnets"]> = {};

  async projects(): Promise<HostedProject[]> {
    return [...this.rows.values()].map(({ spec: { projectId, namespace, status, group } }) => ({
      projectId,
      namespace,
      status,
      group: group?.namespace ?? null,
    }));
  }

  async groups(): Promise<string[]> {
    return [...new Set([...this.rows.values()].flatMap(({ spec }) => spec.group?.namespace ?? []))];
  }

  async report(projectId: string, environments: EnvironmentObservation[]): Promise<void> {
    const row = this.row(projectId);
    for (const seen of environments) {
      row.observed.set(seen.kind, seen);
      this.reports.push(`${row.spec.slug} ${seen.kind} ${seen.phase}`);
      const wanted = row.spec.environments.find(({ kind }) => kind === seen.kind)!;
      if (row.spec.status === "deleting" || seen.observedGeneration !== wanted.generation) continue;
      if (isSettled(wanted.desired, seen.phase)) row.inbox.delete(seen.kind);
    }
    this.tell();
  }

  async confirmDeleted(projectId: string): Promise<void> {
    this.rows.delete(projectId);
    this.tell();
  }

  async reallocateSubnet(projectId: string, { kind, which }: TakenSubnet): Promise<void> {
    const row = this.row(projectId);
    row.inbox.add(kind);
    row.spec = {
      ...row.spec,
      environments: row.spec.environments.map((environment) => {
        if (environment.kind !== kind) return environment;
        const subnet = which === "internal" ? { subnet: this.subnet() } : { egressSubnet: this.subnet() };
        return { ...environment, ...subnet, generation: environment.generation + 1 };
      }),
    };
    this.tell();
  }

  async reallocatePort(projectId: string, { kind, service }: TakenPort): Promise<void> {
    const row = this.row(projectId);
    row.spec = {
      ...row.spec,
      environments: row.spec.environments.map((environment) =>
        environment.kind === kind
          ? { ...environment, ports: { ...environment.ports, [service]: this.nextPort++ } }
          : environment,
      ),
    };
    this.tell();
  }

  async heartbeat(): Promise<void> {}
  async unregister(): Promise<void> {}

  private portsFor(manifest: Manifest, held: Record<string, number> = {}): Record<string, number> {
    return Object.fromEntries(
      publishedServices(manifest).map((service) => [service, held[service] ?? this.nextPort++]),
    );
  }

  private row(projectId: string): Row {
    const row = this.rows.get(projectId);
    if (!row) throw new Error(`There is no project ${projectId}.`);
    return row;
  }

  /** The subnet that is given out next. */
  peekSubnet(): string {
    return this.subnetOf(this.nextSubnet);
  }

  private subnet(): string {
    return this.subnetOf(this.nextSubnet++);
  }

  private subnetOf(number: number): string {
    return `${this.subnetPrefix}.${Math.floor(number / 4)}.${(number % 4) * 64}/26`;
  }

  private inbox(): InboxRow[] {
    return [...this.rows.values()].flatMap(({ spec, inbox }) =>
      spec.environments
        .filter(({ kind }) => inbox.has(kind))
        .map(({ kind, generation }) => ({ projectId: spec.projectId, kind, generation })),
    );
  }

  private tell(): void {
    const rows = this.inbox();
    for (const listener of this.listeners) listener(rows);
    for (const change of [...this.changes]) change();
  }
}

function specOf({ releaseId, number, taken, result }: MemoryRelease, manifest: Manifest): ReleaseSpec {
  const verdict = result && {
    exitCode: result.exitCode,
    timedOut: result.timedOut,
    durationMs: result.durationMs,
    services: result.services,
  };
  return { releaseId, number, snapshot: taken?.snapshot ?? null, manifest, result: verdict };
}
