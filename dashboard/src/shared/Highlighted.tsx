import { Mark } from "@mantine/core";
import { piecesOf } from "./words.ts";

/** A text with what somebody looks for marked in it. */
export function Highlighted({ text, needles }: { text: string; needles: readonly string[] }) {
  return piecesOf(text, needles).map(({ text: piece, isHit }, index) =>
    isHit ? (
      <Mark key={index} c="black" bg="yellow.4">
        {piece}
      </Mark>
    ) : (
      piece
    ),
  );
}
