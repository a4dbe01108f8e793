import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useRef } from "react";
import { plain } from "../../../../core/text.ts";
import { pieces, type LogLine } from "./lines.ts";
import classes from "./LogLines.module.css";

type Props = {
  lines: LogLine[];
  words: string;
  isWrapping: boolean;
  /** Whether the newest line stays in sight. */
  isFollowing: boolean;
  /** Somebody scrolled away from the newest line. */
  onLeave: () => void;
  /** The index of a line to bring in sight and mark. */
  marked: number | null;
};

const LINE_PX = 20;
/** The newest line counts as in sight so close to the end. */
const NEAR_PX = 48;

/** The lines themselves; only those in sight are in the page. */
export function LogLines({ lines, words, isWrapping, isFollowing, onLeave, marked }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_PX,
    overscan: 20,
  });
  const count = lines.length;
  const newestAt = lines.at(-1)?.at;
  useEffect(() => {
    if (isFollowing && count > 0) virtual.scrollToIndex(count - 1, { align: "end" });
  }, [virtual, isFollowing, isWrapping, count, newestAt]);
  useEffect(() => {
    if (marked !== null) virtual.scrollToIndex(marked, { align: "center" });
  }, [virtual, marked]);
  useEffect(() => virtual.measure(), [virtual, isWrapping]);

  const leave = () => {
    const place = scroller.current;
    if (!isFollowing || !place) return;
    if (place.scrollHeight - place.scrollTop - place.clientHeight > NEAR_PX) onLeave();
  };
  return (
    <div
      ref={scroller}
      className={classes.lines}
      data-wrap={isWrapping || undefined}
      role="log"
      // Read aloud, a busy log would never be silent.
      aria-live="off"
      aria-label="Log"
      tabIndex={0}
      // Only what a person does: the list scrolls by itself as well.
      onWheel={(event) => event.deltaY < 0 && leave()}
      onTouchMove={leave}
      onKeyUp={(event) => /^(?:Arrow|Page)Up$|^Home$/.test(event.key) && leave()}
    >
      <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
        {virtual.getVirtualItems().map(({ index, start }) => (
          <div
            key={index}
            ref={virtual.measureElement}
            data-index={index}
            className={classes.place}
            style={{ transform: `translateY(${start}px)` }}
          >
            <Line line={lines[index]!} words={words} isMarked={index === marked} />
          </div>
        ))}
      </div>
    </div>
  );
}

type LineProps = { line: LogLine; words: string; isMarked: boolean };

const Line = memo(
  function Line({ line: { at, service, replica, stream, text }, words, isMarked }: LineProps) {
    const isError = stream === "stderr";
    return (
      <div className={classes.line} data-stream={stream} data-marked={isMarked || undefined}>
        <time dateTime={new Date(at).toISOString()} title={new Date(at).toLocaleString()}>
          {clock(at)}
        </time>
        <span className={classes.service}>
          {service}.{replica}
        </span>
        <span className={classes.stream} title={isError ? "standard error" : "standard output"}>
          {isError ? "err" : "out"}
        </span>
        <span className={classes.text}>
          {pieces(plain(text), words).map(({ text: piece, isMatch }, index) =>
            isMatch ? <mark key={index}>{piece}</mark> : piece,
          )}
        </span>
      </div>
    );
  },
  (before, after) =>
    before.words === after.words &&
    before.isMarked === after.isMarked &&
    before.line.at === after.line.at &&
    before.line.text === after.line.text &&
    before.line.stream === after.line.stream &&
    before.line.service === after.line.service &&
    before.line.replica === after.line.replica,
);

function clock(at: number): string {
  const time = new Date(at);
  const two = (part: number) => String(part).padStart(2, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}
