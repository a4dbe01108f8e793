import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

/** The editor in Mantine's colours, each with the contrast of WCAG AA in its scheme. */
export function editorTheme(scheme: "light" | "dark"): Extension {
  const isDark = scheme === "dark";
  const shade = isDark ? 3 : 9;
  const color = (name: string) => `var(--mantine-color-${name}-${shade})`;
  return [
    EditorView.theme(
      {
        "&": {
          color: "var(--mantine-color-text)",
          backgroundColor: "var(--mantine-color-body)",
          border: "1px solid var(--mantine-color-default-border)",
          borderRadius: "var(--mantine-radius-md)",
          minHeight: "260px",
        },
        "&.cm-focused": { outline: "2px solid var(--mantine-primary-color-filled)", outlineOffset: "1px" },
        ".cm-scroller": { fontFamily: "var(--mantine-font-family-monospace)", fontSize: "14px" },
        ".cm-content": { caretColor: "var(--mantine-color-text)" },
        ".cm-cursor": { borderLeftColor: "var(--mantine-color-text)" },
        ".cm-gutters": {
          backgroundColor: "var(--mantine-color-default-hover)",
          color: "var(--mantine-color-dimmed)",
          border: "none",
          borderRadius: "var(--mantine-radius-md) 0 0 var(--mantine-radius-md)",
        },
        ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--mantine-color-default-hover)" },
        ".cm-tooltip": {
          backgroundColor: "var(--mantine-color-body)",
          color: "var(--mantine-color-text)",
          border: "1px solid var(--mantine-color-default-border)",
        },
      },
      { dark: isDark },
    ),
    syntaxHighlighting(
      HighlightStyle.define([
        { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: color("indigo") },
        { tag: [tags.string, tags.content], color: "inherit" },
        { tag: [tags.number, tags.bool, tags.null, tags.atom], color: color("grape") },
        { tag: tags.comment, color: "var(--mantine-color-dimmed)", fontStyle: "italic" },
        { tag: [tags.punctuation, tags.separator, tags.meta], color: "var(--mantine-color-dimmed)" },
      ]),
    ),
  ];
}
