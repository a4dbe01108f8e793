import * as z from "zod";
import { vAttachments } from "../core/attachments.ts";
import { GROUP_NAMESPACE } from "../core/groups.ts";
import { DESIRED_STATES, ENVIRONMENT_KINDS, STATUSES } from "../core/lifecycle.ts";
import { vManifest } from "../core/manifest.ts";
import { NAMESPACE } from "../core/naming.ts";
import type { EnvironmentSpec, RolloutSpec } from "../core/projectSpec.ts";
import { SNAPSHOT_HASH } from "../core/releases.ts";

const vKind = z.enum(ENVIRONMENT_KINDS);
const vRelease = z.object({
  releaseId: z.string(),
  number: z.int().positive(),
  snapshot: z.string().regex(SNAPSHOT_HASH).nullable(),
  manifest: vManifest,
  result: z
    .object({
      exitCode: z.number(),
      timedOut: z.boolean(),
      durationMs: z.number(),
      services: z.array(
        z.object({
          service: z.string(),
          replica: z.number(),
          exitCode: z.number(),
          durationMs: z.number(),
        }),
      ),
    })
    .nullable(),
});

const vGroupSpec = z.object({
  name: z.string(),
  namespace: z.string().regex(GROUP_NAMESPACE),
  attachments: vAttachments,
  desired: z.record(vKind, z.enum(DESIRED_STATES)),
  subnets: z.partialRecord(vKind, z.cidrv4()),
});

// What an object's schema does not name is left out: each names all that there is.
const vRollout = z.object({
  live: z.string().nullable(),
  kept: z.object({ number: z.int().positive() }).nullable(),
  canary: z.object({ release: vRelease, percent: z.number() }).nullable(),
  replicas: z.record(z.string(), z.int().positive()),
  attempt: z.int().min(0),
  undone: z
    .object({ id: z.string(), revisions: z.string(), attempt: z.int().min(0), cause: z.string() })
    .nullable(),
} satisfies Record<keyof RolloutSpec, z.ZodType>);

const vEnvironment = z.object({
  kind: vKind,
  desired: z.enum(DESIRED_STATES),
  generation: z.number(),
  subnet: z.cidrv4().nullable(),
  egressSubnet: z.cidrv4().nullable(),
  ports: z.record(z.string(), z.number()).optional(),
  keepVolumes: z.boolean(),
  release: vRelease.nullable().default(null),
  rollout: vRollout.optional(),
} satisfies Record<keyof EnvironmentSpec, z.ZodType>);

/** What the control plane wants of a project (core/projectSpec.ts), as it comes over the wire. */
export const vProjectSpec = z.object({
  projectId: z.string(),
  slug: z.string(),
  name: z.string(),
  namespace: z.string().regex(NAMESPACE),
  status: z.enum(STATUSES),
  manifest: vManifest,
  secrets: z.record(z.string(), z.string()).optional(),
  group: vGroupSpec.nullish(),
  certificates: z.record(z.string(), z.object({ chain: z.string(), key: z.string() })).optional(),
  environments: z.array(vEnvironment),
  snapshots: z.array(z.string().regex(SNAPSHOT_HASH)).optional(),
});
