import { v, type Infer } from "convex/values";
import { ACME_STATES, GIVEN_STATES } from "../../core/certificates.ts";
import type { EventType } from "../../core/eventTypes.ts";
import { MAX_DOMAINS } from "../../core/gatewaySettings.ts";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { findDomain } from "./domains.ts";
import type { Actor } from "./events.ts";
import { recordEvent } from "./events.ts";
import { oneOf } from "./validators.ts";

/** What workers tell of domains' certificates: an event for each turn that it takes, not for each time that it is told. */

const MAX_KIND = 64;
const MAX_MESSAGE = 1000;

/** See core/certificates.ts. */
export const vCertificateState = v.object({
  domain: v.string(),
  given: v.object({ state: oneOf(GIVEN_STATES), message: v.string() }),
  acme: v.object({ state: oneOf(ACME_STATES), kind: v.optional(v.string()), message: v.string() }),
});
type Told = Infer<typeof vCertificateState>;

const EVENTS: Partial<Record<Told["given"]["state"] | Told["acme"]["state"], EventType>> = {
  ending: "certificate.ending",
  ended: "certificate.ended",
  unusable: "certificate.failed",
  issued: "certificate.issued",
  failed: "certificate.failed",
};

/** Domains that the project does not have any more are passed over, and those beyond the most that one can have. */
export async function takeCertificateReport(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  states: readonly Told[],
): Promise<void> {
  for (const { domain: name, given, acme } of states.slice(0, MAX_DOMAINS)) {
    const domain = await findDomain(ctx, name);
    if (domain?.projectId !== project._id) continue;
    const before = domain.certificate ?? { given: "none", acme: "none" };
    const failure = acme.kind === undefined ? "" : ` ${acme.kind.slice(0, MAX_KIND)}`;
    const certificate = { given: given.state, acme: `${acme.state}${failure}` };
    const turns = [
      ...(certificate.given === before.given ? [] : [given]),
      ...(certificate.acme === before.acme ? [] : [acme]),
    ];
    if (turns.length === 0) continue;
    await ctx.db.patch("domains", domain._id, { certificate });
    for (const { state, message } of turns) {
      const type = EVENTS[state];
      if (type) await recordEvent(ctx, { type, actor, project, message: message.slice(0, MAX_MESSAGE) });
    }
  }
}
