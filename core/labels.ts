/**
 * The labels on everything that Slipway makes in Docker (DESIGN.md rule 6). What lacks `LABELS.instance` with our own
 * instance id is somebody else's and is never touched.
 */
export const LABELS = {
  instance: "slipway.instance",
  /** The project's id in the control plane. */
  project: "slipway.project",
  namespace: "slipway.namespace",
  /** The group's name, on what belongs to a group and to no project. */
  group: "slipway.group",
  /** dev, test or deploy. */
  environment: "slipway.environment",
  service: "slipway.service",
  replica: "slipway.replica",
  /** The number of the release that an object runs or holds. */
  release: "slipway.release",
  /** On a volume that holds a snapshot: the SHA-256 of its content, in hex. */
  snapshot: "slipway.snapshot",
  /** Of a container that is rolled out: its port, the path prefix of its route, and the path that tells when it is ready. */
  port: "slipway.port",
  route: "slipway.route",
  ready: "slipway.ready",
  /** The environment's generation that this object was made for. */
  generation: "slipway.generation",
  /** A hash of what the object was made from: where it differs, the object is made anew. */
  configHash: "slipway.config-hash",
  /** What an object is, where it is no service, network or volume of an environment. */
  role: "slipway.role",
  /** On a volume and on the mark that says that its content does not count yet: that they belong together. */
  filling: "slipway.filling",
  /** On a volume that begins with starters: which, and in what folders, as JSON. */
  begins: "slipway.begins",
} as const;

/** The value of Docker's `label` filter that finds what `instanceId` owns. */
export function ownedBy(instanceId: string): string {
  return `${LABELS.instance}=${instanceId}`;
}
