import type { ProjectSpec } from "../core/projectSpec.ts";
import type { RenderedProject } from "../core/render/rendered.ts";
import { renderProject, type RenderInput } from "../core/render/render.ts";

export type Rendering = { project: RenderedProject | null; error: unknown };

/** What is wanted changes as a whole, with a new object: the same one renders to the same. */
const known = new WeakMap<ProjectSpec, Rendering>();

/** Renders the environments that are to run; what is only to stop or go must not fail because of a stack. */
export function renderWanted(input: Omit<RenderInput, "kinds">): Rendering {
  const earlier = known.get(input.spec);
  if (earlier) return earlier;
  const rendering = render(input);
  known.set(input.spec, rendering);
  return rendering;
}

function render(input: Omit<RenderInput, "kinds">): Rendering {
  const kinds = input.spec.environments
    .filter(({ desired }) => desired === "running")
    .map(({ kind }) => kind);
  if (kinds.length === 0) return { project: null, error: null };
  try {
    return { project: renderProject({ ...input, kinds }).project, error: null };
  } catch (error) {
    return { project: null, error };
  }
}
