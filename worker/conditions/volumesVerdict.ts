import { formatSize } from "../../core/units.ts";
import type { Failure } from "../execute.ts";
import { explain, reasonOf } from "./explain.ts";
import type { Findings } from "./findings.ts";
import { no, note, yes, type Verdict } from "./verdict.ts";

/** Volumes of another size than is wanted do not keep an environment from running, but people are told. */
export function volumesVerdict({ seen, unsized }: Findings, failure: Failure | undefined): Verdict {
  if (failure) return no(reasonOf(failure.error), explain(failure.error));
  const has = new Map(seen.found.volumes.map(({ name, sizeBytes }) => [name, sizeBytes ?? null]));
  const sized = (seen.rendered?.volumes ?? []).filter(({ name }) => has.has(name));
  const shrunk = sized.find(({ name, sizeBytes }) => sizeBytes !== null && sizeBytes < (has.get(name) ?? 0));
  if (shrunk) {
    return note(
      "ShrinkRefused",
      `${shrunk.name} keeps its ${formatSize(has.get(shrunk.name) ?? 0)}: a volume is never made smaller, as what it holds might not fit ${formatSize(shrunk.sizeBytes ?? 0)}.`,
    );
  }
  const watched = sized.find(({ name, sizeBytes }) => sizeBytes !== null && has.get(name) === null);
  if (watched && unsized !== null) {
    return note(
      "SizeWatched",
      `The ${formatSize(watched.sizeBytes ?? 0)} of ${watched.name} are watched, not enforced: ${unsized}.`,
    );
  }
  return yes("VolumesPresent");
}
