import { useComputedColorScheme } from "@mantine/core";
import { yaml } from "@codemirror/lang-yaml";
import { forceLinting, linter, lintGutter } from "@codemirror/lint";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { basicSetup } from "codemirror";
import { useEffect, useRef } from "react";
import { editorTheme } from "./editorTheme.ts";
import { readManifest } from "./manifestText.ts";

type Props = {
  /** What it begins with; another value puts that in. */
  initial: string;
  onChange: (text: string) => void;
  label: string;
  /** To read alone. */
  isReadOnly?: boolean;
};

/** A manifest as YAML; what is wrong with it is underlined as it is typed. */
export function ManifestEditor({ initial, onChange, label, isReadOnly = false }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const look = useRef(new Compartment());
  const changed = useRef(onChange);
  const scheme = useComputedColorScheme("light");
  useEffect(() => {
    changed.current = onChange;
  }, [onChange]);
  useEffect(() => {
    const editor = new EditorView({
      parent: place.current!,
      state: EditorState.create({
        doc: initial,
        extensions: [
          basicSetup,
          yaml(),
          lintGutter(),
          linter(
            ({ state }) =>
              readManifest(state.doc.toString()).findings.map(({ from, to, message }) => ({
                from,
                to,
                message,
                severity: "error",
              })),
            { delay: 250 },
          ),
          EditorState.readOnly.of(isReadOnly),
          EditorView.contentAttributes.of({
            "aria-label": label,
            ...(isReadOnly && { "aria-readonly": "true" }),
          }),
          EditorView.lineWrapping,
          EditorView.updateListener.of((update) => {
            if (update.docChanged) changed.current(update.state.doc.toString());
          }),
          look.current.of([]),
        ],
      }),
    });
    view.current = editor;
    forceLinting(editor);
    return () => editor.destroy();
  }, [initial, label, isReadOnly]);
  useEffect(() => {
    view.current?.dispatch({ effects: look.current.reconfigure(editorTheme(scheme)) });
  }, [scheme, initial, label, isReadOnly]);
  return <div ref={place} style={{ minHeight: 260 }} />;
}
