import type { Infer } from "convex/values";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import type { vActor } from "./validators.ts";

export type Actor = Infer<typeof vActor>;

export const SYSTEM: Actor = { role: "system", subject: "control plane" };

type EventFields = Omit<Doc<"events">, "_id" | "_creationTime" | "at" | "slug" | "namespace">;

/** Appends to the audit log. `project` is named by slug and namespace, which stay when it goes. */
export async function recordEvent(
  ctx: MutationCtx,
  event: EventFields & { project?: Pick<Doc<"projects">, "slug" | "namespace"> },
): Promise<void> {
  const { project, ...fields } = event;
  await ctx.db.insert("events", {
    ...fields,
    at: Date.now(),
    slug: project?.slug,
    namespace: project?.namespace,
  });
}

export function eventView(event: Doc<"events">) {
  return {
    eventId: event._id,
    at: event.at,
    type: event.type,
    actor: event.actor,
    project: event.slug ?? null,
    namespace: event.namespace ?? null,
    environment: event.environment ?? null,
    from: event.from ?? null,
    to: event.to ?? null,
    reason: event.reason ?? null,
    override: event.override ?? false,
    message: event.message,
  };
}
