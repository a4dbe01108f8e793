import type { EnvironmentKind, Status } from "../core/lifecycle.ts";
import type { EnvironmentObservation, ProjectSpec } from "../core/projectSpec.ts";
import type { TestResult } from "../core/releases.ts";
import type { DeployReport } from "./rollout/rolloutStep.ts";

/**
 * What a worker says to the control plane, once it has registered. `convexControlPlane.ts` is the real one. Every call
 * settles within a deadline; every write carries the host's epoch, and `stale_epoch` means that another worker has
 * taken the host over.
 */
export interface ControlPlane {
  /** Follows what needs work. `onRows` only takes note: it is called from within the client. */
  watchInbox(onRows: (rows: InboxRow[]) => void, onError: (error: unknown) => void): () => void;
  /** Null: the project does not live on this host, or is gone. */
  project(projectId: string): Promise<ProjectSpec | null>;
  /** All projects of this host. */
  projects(): Promise<HostedProject[]>;
  /** Namespaces of the groups that live on this host, though maybe none of their members does yet. */
  groups(): Promise<string[]>;
  report(projectId: string, environments: EnvironmentObservation[]): Promise<void>;
  confirmDeleted(projectId: string): Promise<void>;
  /** What was taken for a release; the same again changes nothing. */
  reportSnapshot(projectId: string, releaseId: string, taken: TakenSnapshot): Promise<void>;
  /** How a release's tests ended; the first result stands. */
  reportTest(projectId: string, releaseId: string, result: TestResult): Promise<void>;
  /** How the rollout of a release ended; the same again changes nothing. */
  reportDeploy(projectId: string, report: DeployReport): Promise<void>;
  /** Another subnet for a network: Docker says that the one it has is taken. The same again changes nothing. */
  reallocateSubnet(projectId: string, taken: TakenSubnet): Promise<void>;
  /** Another host port for a service: the one that it has cannot be bound. The same again changes nothing. */
  reallocatePort(projectId: string, taken: TakenPort): Promise<void>;
  heartbeat(): Promise<void>;
  unregister(): Promise<void>;
}

export type TakenSubnet = {
  kind: EnvironmentKind;
  which: "internal" | "egress" | "group";
  /** The one that was refused, in CIDR form. */
  subnet: string;
  reason: string;
};

export type TakenPort = {
  kind: EnvironmentKind;
  service: string;
  /** The one that could not be bound. */
  port: number;
  reason: string;
};

export type TakenSnapshot = {
  /** SHA-256 of the content, in hex. */
  snapshot: string;
  files: number;
  bytes: number;
};

export type InboxRow = { projectId: string; kind: EnvironmentKind; generation: number };

export type HostedProject = { group?: string | null; projectId: string; namespace: string; status: Status };
