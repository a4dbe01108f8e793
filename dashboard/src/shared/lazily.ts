import { lazy, type ComponentType } from "react";
import { retried } from "./retried.ts";

/** A part of the page whose code comes once somebody looks at it. */
export function lazily<Props>(load: () => Promise<ComponentType<Props>>) {
  return lazy(async () => ({ default: await retried(load) }));
}
