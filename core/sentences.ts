import { startOf } from "./text.ts";

const MOST = 200;

/** The first sentence or line of `text`, without its full stop; cut where it is longer than a line of a list takes. */
export function firstSentence(text: string): string {
  const [first = ""] = text.trim().split(/(?<=[.!?])\s|\n/);
  const sentence = first.replace(/\.$/, "");
  return sentence.length > MOST ? `${startOf(sentence, MOST - 1)}…` : sentence;
}
