import type { ImageDefinition } from "./catalogue.ts";

export const IMAGE_LABEL = "slipway.image";
export const RECIPE_LABEL = "slipway.recipe-hash";

/** A name for uid 1000, which some programs insist on, and its folder: an empty volume mounted there takes its owner. */
const UNPRIVILEGED_USER = [
  "RUN grep -q ':1000:' /etc/passwd || echo 'app:x:1000:1000:app:/workspace:/bin/sh' >> /etc/passwd",
  "RUN grep -q ':1000:' /etc/group || echo 'app:x:1000:' >> /etc/group",
  "RUN mkdir -p /workspace && chown 1000:1000 /workspace",
];

/** What an image's configuration says in every way of making it, as instructions of a Dockerfile. */
export function configLines(image: ImageDefinition, hash: string): string[] {
  return [
    ...Object.entries(image.env).map(([name, value]) => `ENV ${name}=${quoted(value)}`),
    `USER ${image.user}`,
    `WORKDIR ${image.workdir}`,
    `CMD ${JSON.stringify(image.cmd)}`,
    `LABEL ${IMAGE_LABEL}=${quoted(image.name)} ${RECIPE_LABEL}=${quoted(hash)}`,
  ];
}

/** A Dockerfile on a public image. */
export function pulledDockerfile(
  image: ImageDefinition,
  hash: string,
  named: (image: string) => string,
): string {
  const pull = image.pull;
  if (!pull) throw new Error(`${image.name} is not pulled`);
  return [
    `FROM ${named(pull.image)}`,
    "USER 0:0",
    ...UNPRIVILEGED_USER,
    ...pull.steps.map((step) => step.replace(/(?<=--from=)\S+/, named)),
    ...copyOwnFiles(image),
    "ENTRYPOINT []",
    ...configLines(image, hash),
    "",
  ].join("\n");
}

/** A Dockerfile that runs a definition's commands in an image just imported. */
export function finishingDockerfile(image: ImageDefinition, base: string, hash: string): string {
  const run = image.debian?.run ?? [];
  return [
    `FROM ${base}`,
    "USER 0:0",
    ...run.map((command) => `RUN ${JSON.stringify(command)}`),
    ...configLines(image, hash),
    "",
  ].join("\n");
}

/** A Dockerfile on another image of the catalogue. */
export function derivedDockerfile(image: ImageDefinition, base: string, hash: string): string {
  return [`FROM ${base}`, "USER 0:0", ...copyOwnFiles(image), ...configLines(image, hash), ""].join("\n");
}

/**
 * The name under which a public image is asked for. `registry` is the value of SLIPWAY_REGISTRY: nothing for the
 * engine's own default, or the host (and path) of a mirror.
 */
export function registryName(image: string, registry: string | undefined): string {
  if (!registry) return image;
  const slash = image.indexOf("/");
  const first = slash < 0 ? "" : image.slice(0, slash);
  if (first.includes(".") || first.includes(":")) return image;
  return `${registry.replace(/\/+$/, "")}/${slash < 0 ? `library/${image}` : image}`;
}

/** The image's own files lie in `slipway/` of the context. */
const copyOwnFiles = (image: ImageDefinition): string[] =>
  image.folder !== undefined || image.derived ? ["COPY slipway/ /opt/slipway/"] : [];

const quoted = (value: string): string => `"${value.replace(/(["\\$])/g, "\\$1")}"`;
