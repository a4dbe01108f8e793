/** The messages of Convex's sync protocol, as they come in, and the encodings they share. */
import type { JSONValue } from "convex/values";
import * as z from "zod";

const vJson = z.custom<JSONValue>((value) => value !== undefined);
const vVersion = z.number().int().nonnegative();
const vId = z.number().int().nonnegative();

const vAdd = z.object({
  type: z.literal("Add"),
  queryId: vId,
  udfPath: z.string(),
  args: z.array(vJson),
  journal: z.string().nullish(),
  componentPath: z.string().nullish(),
});
const vRemove = z.object({ type: z.literal("Remove"), queryId: vId });

const vAuthenticate = z.discriminatedUnion("tokenType", [
  z.object({
    type: z.literal("Authenticate"),
    tokenType: z.literal("Admin"),
    value: z.string(),
    baseVersion: vVersion,
    impersonating: z.unknown().optional(),
  }),
  z.object({
    type: z.literal("Authenticate"),
    tokenType: z.literal("User"),
    value: z.string(),
    baseVersion: vVersion,
  }),
  z.object({ type: z.literal("Authenticate"), tokenType: z.literal("None"), baseVersion: vVersion }),
]);

const vCall = {
  requestId: vId,
  udfPath: z.string(),
  args: z.array(vJson),
  componentPath: z.string().nullish(),
};

export const vClientMessage = z.union([
  z.object({
    type: z.literal("Connect"),
    sessionId: z.string().min(1).max(200),
    connectionCount: z.number(),
    lastCloseReason: z.string().nullish(),
    maxObservedTimestamp: z.string().nullish(),
    clientTs: z.number().optional(),
  }),
  vAuthenticate,
  z.object({
    type: z.literal("ModifyQuerySet"),
    baseVersion: vVersion,
    newVersion: vVersion,
    modifications: z.array(z.discriminatedUnion("type", [vAdd, vRemove])),
  }),
  z.object({ type: z.literal("Mutation"), ...vCall }),
  z.object({ type: z.literal("Action"), ...vCall }),
  z.object({ type: z.literal("Event"), eventType: z.string(), event: z.unknown() }),
]);

export type ClientMessage = z.infer<typeof vClientMessage>;
export type ClientMessageOf<T extends ClientMessage["type"]> = Extract<ClientMessage, { type: T }>;
export type AddQuery = z.infer<typeof vAdd>;

/** A timestamp as the protocol writes it: eight little-endian bytes in base64. */
export function encodeTs(ts: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(ts);
  return bytes.toString("base64");
}

export interface StateVersion {
  readonly querySet: number;
  readonly identity: number;
  readonly ts: bigint;
}

export const encodeVersion = ({ querySet, identity, ts }: StateVersion): string =>
  `{"querySet":${querySet},"identity":${identity},"ts":"${encodeTs(ts)}"}`;

/** The text of a call's arguments: the protocol sends a list with the one object that Convex functions take. */
export const onlyArgument = (args: readonly JSONValue[]): JSONValue => (args.length === 0 ? {} : args[0]!);
