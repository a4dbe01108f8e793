import type { WorkspaceVerb } from "../../core/access.ts";
import type { EnvironmentKind } from "../../core/lifecycle.ts";

/** What somebody at the door asks for. */
export type Knock = {
  /** Slug, namespace or id. */
  project: string;
  environment: EnvironmentKind;
  verb: WorkspaceVerb;
  /** For the audit: what is done, in a few words without secrets. */
  detail?: string;
};

/** The project that they may reach. */
export type Admitted = { projectId: string; namespace: string; slug: string };

/** Judges who comes: the control plane, asked with the caller's own token, at each request. */
export interface Doorkeeper {
  /**
   * Records what changes something before it is done.
   * @throws SlipwayError `unauthenticated`, `forbidden`, `not_found`, `deadline`
   */
  authorize(token: string, knock: Knock): Promise<Admitted>;
  /** Lets in whoever may read of the project. Throws as above. */
  admitReader(token: string, project: string): Promise<Admitted>;
  /** Lets in an admin of all projects. Throws as above. */
  admitAdmin(token: string): Promise<void>;
}
