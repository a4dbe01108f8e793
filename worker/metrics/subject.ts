import { LABELS } from "../../core/labels.ts";
import { ENVIRONMENT_KINDS, type EnvironmentKind } from "../../core/lifecycle.ts";

/** Whose a container is: what its samples are kept under. */
export type Subject = { projectId: string; kind: EnvironmentKind; service: string; replica: number };

/** Null: it runs no service of a project's environment (a helper, the gateway, what a group shares). */
export function subjectOf(labels: Record<string, string>): Subject | null {
  const projectId = labels[LABELS.project];
  const service = labels[LABELS.service];
  const kind = ENVIRONMENT_KINDS.find((kind) => kind === labels[LABELS.environment]);
  if (!projectId || !service || !kind || labels[LABELS.role] !== undefined) return null;
  const replica = Number(labels[LABELS.replica] ?? 1);
  return { projectId, kind, service, replica: Number.isInteger(replica) && replica > 0 ? replica : 1 };
}
