import { Mark } from "@mantine/core";
import { piecesOf, type Where } from "./words.ts";

/** A text with what somebody looks for marked in it. */
export function Highlighted({
  text,
  needles,
  where,
}: {
  text: string;
  needles: readonly string[];
  where?: Where;
}) {
  return piecesOf(text, needles, where).map(({ text: piece, isHit }, index) =>
    isHit ? (
      <Mark key={index} c="black" bg="yellow.4">
        {piece}
      </Mark>
    ) : (
      piece
    ),
  );
}
