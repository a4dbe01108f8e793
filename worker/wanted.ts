import type { ProjectSpec } from "../core/projectSpec.ts";
import type { ControlPlane } from "./controlPlane.ts";
import type { Presence } from "./presence.ts";

/** What is wanted of each project, as last read from the control plane, and which of it has to be read anew. */
export class Wanted {
  private readonly specs = new Map<string, ProjectSpec>();
  private readonly projectOf = new Map<string, string>();
  private readonly stale = new Set<string>();
  private readonly controlPlane: Pick<ControlPlane, "project">;
  private readonly presence: Presence;

  constructor(controlPlane: Pick<ControlPlane, "project">, presence: Presence) {
    this.controlPlane = controlPlane;
    this.presence = presence;
  }

  /**
   * Null: the project lives elsewhere or is gone. While the control plane is away, what was last read counts.
   * @throws where it cannot be read and never was
   */
  async read(projectId: string): Promise<ProjectSpec | null> {
    const known = this.specs.get(projectId);
    if (known && (this.presence.isAway || !this.stale.has(projectId))) return known;
    // Before it is read: whatever changes while it is being read has to be read again.
    this.stale.delete(projectId);
    try {
      const spec = await this.controlPlane.project(projectId);
      if (!spec) return null;
      this.specs.set(projectId, spec);
      this.projectOf.set(spec.namespace, projectId);
      return spec;
    } catch (error) {
      this.stale.add(projectId);
      if (this.presence.noteFailure(error) && known) return known;
      throw error;
    }
  }

  /** Has to be read anew before it is acted upon. */
  expire(projectId: string): void {
    this.stale.add(projectId);
  }

  /** As last read, without asking. */
  last(projectId: string): ProjectSpec | undefined {
    return this.specs.get(projectId);
  }

  all(): ProjectSpec[] {
    return [...this.specs.values()];
  }

  /** Whose namespace it is, where that is known. */
  ownerOf(namespace: string): string | undefined {
    return this.projectOf.get(namespace);
  }

  /** Projects, as last read, whose group has that namespace. */
  membersOf(group: string): string[] {
    return this.all()
      .filter((spec) => spec.group?.namespace === group)
      .map(({ projectId }) => projectId);
  }

  /** Namespace → project id of all projects that are known of, read already or not. */
  owners(): ReadonlyMap<string, string> {
    return this.projectOf;
  }

  own(namespace: string, projectId: string): void {
    this.projectOf.set(namespace, projectId);
  }

  forget(projectId: string): void {
    this.specs.delete(projectId);
    this.stale.delete(projectId);
    for (const [namespace, owner] of this.projectOf) {
      if (owner === projectId) this.projectOf.delete(namespace);
    }
  }
}
