import { causeChain, SlipwayError } from "../../core/errors.ts";
import { startOf } from "../../core/text.ts";
import { EngineError } from "../engine/engineError.ts";

/** UTF-16 units of an error that are told. */
const MOST_TOLD = 1000;

/** What a person should read first of an error: what happened, why, what to do. */
export function explain(error: unknown): string {
  const [first = "Something failed.", ...causes] = causeChain(error).filter(
    (line, index, lines) => !lines.slice(0, index).some((earlier) => earlier.includes(line)),
  );
  const hint = error instanceof SlipwayError ? error.data.hint : undefined;
  const because = causes
    .slice(0, 3)
    .map((cause) => ` (${cause.replace(/^\(HTTP code \d+\) [a-z ]+ - /, "").trim()})`);
  return startOf(
    `${first}${because.join("")}${/[.!?]$/.test(first) ? "" : "."}${hint ? ` ${hint}` : ""}`,
    MOST_TOLD,
  );
}

/** An error's kind as the reason of a condition: `SubnetTaken`. */
export function reasonOf(error: unknown): string {
  const word =
    error instanceof EngineError ? error.fault : error instanceof SlipwayError ? error.data.code : "failed";
  return word.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
