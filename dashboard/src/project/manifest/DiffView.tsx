import { useComputedColorScheme } from "@mantine/core";
import { yaml } from "@codemirror/lang-yaml";
import { MergeView, unifiedMergeView } from "@codemirror/merge";
import { EditorState, Prec, type Extension } from "@codemirror/state";
import { EditorView, lineNumbers } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { editorTheme } from "../../create/editorTheme.ts";

export type DiffProps = {
  before: string;
  after: string;
  /** `Manifest of release 3`. */
  beforeLabel: string;
  afterLabel: string;
  isSideBySide: boolean;
};

const COLLAPSE = { margin: 3, minSize: 6 };

/** Two texts of YAML and what is another in them, to read. */
export default function DiffView({ before, after, beforeLabel, afterLabel, isSideBySide }: DiffProps) {
  const place = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme("light");
  useEffect(() => {
    const parent = place.current!;
    const side = (doc: string, label: string) => ({ doc, extensions: reading(label, scheme) });
    if (isSideBySide) {
      const view = new MergeView({
        parent,
        a: side(before, beforeLabel),
        b: side(after, afterLabel),
        collapseUnchanged: COLLAPSE,
      });
      return () => view.destroy();
    }
    const { doc, extensions } = side(after, `${afterLabel}, with what was in ${beforeLabel}`);
    const merge = unifiedMergeView({
      original: before,
      mergeControls: false,
      syntaxHighlightDeletions: false,
      collapseUnchanged: COLLAPSE,
    });
    const view = new EditorView({
      parent,
      state: EditorState.create({ doc, extensions: [extensions, merge] }),
    });
    return () => view.destroy();
  }, [before, after, beforeLabel, afterLabel, isSideBySide, scheme]);
  return <div ref={place} />;
}

function reading(label: string, scheme: "light" | "dark"): Extension {
  const isDark = scheme === "dark";
  const tint = (light: string, dark: string) => (isDark ? dark : light);
  const removed = tint("rgba(224, 49, 49, 0.12)", "rgba(255, 107, 107, 0.16)");
  const added = tint("rgba(47, 158, 68, 0.14)", "rgba(81, 207, 102, 0.16)");
  return [
    // Before the theme of editors, which are never lower than a few lines.
    Prec.highest(
      EditorView.theme({
        "&": { minHeight: "0" },
        ".cm-changedLine, .cm-insertedLine, .cm-inlineChangedLine": {
          backgroundColor: `${added} !important`,
        },
        "&.cm-merge-a .cm-changedLine, .cm-deletedChunk": { backgroundColor: `${removed} !important` },
        ".cm-deletedChunk .cm-deletedText, &.cm-merge-a .cm-changedText": {
          background: tint("rgba(224, 49, 49, 0.22)", "rgba(255, 107, 107, 0.3)"),
        },
        "&.cm-merge-b .cm-changedText, .cm-insertedLine .cm-changedText, .cm-changedLine .cm-changedText": {
          background: tint("rgba(47, 158, 68, 0.24)", "rgba(81, 207, 102, 0.3)"),
        },
        "& .cm-collapsedLines": {
          background: "var(--mantine-color-default-hover) !important",
          color: "var(--mantine-color-dimmed) !important",
        },
      }),
    ),
    lineNumbers(),
    yaml(),
    editorTheme(scheme),
    EditorState.readOnly.of(true),
    // Still to be reached and scrolled by keyboard.
    EditorView.contentAttributes.of({ "aria-label": label, "aria-readonly": "true" }),
    EditorView.lineWrapping,
  ];
}
