import type { ProjectSpec } from "../core/projectSpec.ts";
import type { RenderedProject } from "../core/render/rendered.ts";
import { renderProject, type RenderInput } from "../core/render/render.ts";
import { isRolled } from "./rollout/replicas.ts";

export type Rendering = { project: RenderedProject | null; error: unknown };

/** What is wanted changes as a whole, with a new object: the same one renders to the same. */
const known = new WeakMap<ProjectSpec, Rendering & { volumes: string }>();

/** Renders the environments that are to run; what is only to stop or go must not fail because of a stack. */
export function renderWanted(input: Omit<RenderInput, "kinds">): Rendering {
  const earlier = known.get(input.spec);
  // But for what is known of images that are attached.
  const volumes = JSON.stringify(input.imageVolumes ?? null);
  if (earlier?.volumes === volumes) return earlier;
  const rendering = render(input);
  known.set(input.spec, { ...rendering, volumes });
  return rendering;
}

/** Beside what deploy runs, one replica of each service of the release that is tried with some of its requests. */
function withCanary(project: RenderedProject, input: Omit<RenderInput, "kinds">): RenderedProject {
  const deploy = input.spec.environments.find(({ kind }) => kind === "deploy");
  const canary = deploy?.rollout?.canary;
  if (!deploy || !canary || deploy.desired !== "running") return project;
  const environments = [{ ...deploy, release: canary.release }];
  const rendered = renderProject({ ...input, spec: { ...input.spec, environments }, kinds: ["deploy"] });
  const [of] = rendered.project.environments;
  const services = (of?.services ?? []).filter((service) => isRolled("deploy", service));
  return {
    ...project,
    environments: project.environments.map((environment) =>
      environment.kind === "deploy"
        ? {
            ...environment,
            volumes: [
              ...environment.volumes,
              ...(of?.volumes ?? []).filter(
                ({ name }) => !environment.volumes.some((volume) => volume.name === name),
              ),
            ],
            canary: services.map((service) => ({ ...service, replicas: 1 })),
          }
        : environment,
    ),
  };
}

function render(input: Omit<RenderInput, "kinds">): Rendering {
  const kinds = input.spec.environments
    .filter(({ desired }) => desired === "running")
    .map(({ kind }) => kind);
  if (kinds.length === 0) return { project: null, error: null };
  try {
    const project = renderProject({ ...input, kinds }).project;
    return { project: withCanary(project, input), error: null };
  } catch (error) {
    return { project: null, error };
  }
}
