/** Convex's documented limits. Sizes are bytes as `getConvexSize` counts them. */
const MIB = 1 << 20;

export const LIMITS = {
  documentBytes: MIB,
  arrayElements: 8_192,
  objectFields: 1_024,
  nesting: 64,
  argumentBytes: 16 * MIB,
  resultBytes: 16 * MIB,
  bytesRead: 16 * MIB,
  bytesWritten: 16 * MIB,
  documentsRead: 32_000,
  documentsWritten: 16_000,
  databaseQueries: 4_096,
  functionsScheduled: 1_000,
  scheduledFunctionArgsBytes: 16 * MIB,
} as const;
