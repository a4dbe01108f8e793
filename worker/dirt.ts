import { LABELS } from "../core/labels.ts";
import type { EngineEvent } from "./engine/engine.ts";
import { GATEWAY_ROLE } from "./gateway/container.ts";

/** What an event of Docker's asks the worker to look at again. */
export type Dirt =
  | { kind: "namespace"; namespace: string; withdraw: string | null }
  | { kind: "gateway"; container: string }
  | { kind: "images" };

const OWN_NAME = /^((?:project|group)_\d{10,16}_[a-z0-9]{4,16})[_-]/;
/** Ends of a container: the gateway must stop sending requests there before anything else is thought of. */
const ENDED = new Set(["die", "destroy", "pause"]);

/**
 * @param instanceId containers of other instances are nobody's business here
 * @returns null where the event says nothing that matters
 */
export function dirtOf(event: EngineEvent, instanceId: string): Dirt | null {
  if (event.type === "image") return { kind: "images" };
  if (event.type !== "container") {
    // Docker gives no labels here; whoever's network it was, one more look at that namespace is harmless.
    const namespace = OWN_NAME.exec(event.name)?.[1];
    return namespace === undefined ? null : { kind: "namespace", namespace, withdraw: null };
  }
  if (event.labels[LABELS.instance] !== instanceId) return null;
  if (event.action === "kill") return null;
  const namespace = event.labels[LABELS.namespace];
  if (namespace) {
    return { kind: "namespace", namespace, withdraw: ENDED.has(event.action) ? event.id : null };
  }
  return event.labels[LABELS.role] === GATEWAY_ROLE && ENDED.has(event.action)
    ? { kind: "gateway", container: event.id }
    : null;
}
