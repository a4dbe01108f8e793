import {
  createTheme,
  DEFAULT_THEME,
  type CSSVariablesResolver,
  type MantineColorsTuple,
} from "@mantine/core";

/**
 * Mantine's theme with the contrast of WCAG AA in light and dark: its own light variants, dimmed text and placeholders
 * stay below 4.5 : 1.
 */
export const theme = createTheme({
  primaryColor: "indigo",
  primaryShade: { light: 8, dark: 8 },
  autoContrast: true,
  defaultRadius: "md",
  cursorType: "pointer",
  focusRing: "auto",
  fontFamily:
    'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  headings: { fontWeight: "650" },
  components: {
    // Those of dialogs and notifications have an icon alone.
    CloseButton: { defaultProps: { "aria-label": "Close" } },
    // It is a span, which may have a name only with a role.
    Loader: { defaultProps: { role: "status" } },
  },
});

const COLORS = Object.entries(DEFAULT_THEME.colors) as [string, MantineColorsTuple][];

export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "var(--mantine-color-gray-7)",
    "--mantine-color-placeholder": "var(--mantine-color-gray-7)",
    "--mantine-color-error": "var(--mantine-color-red-9)",
    ...Object.fromEntries(
      COLORS.flatMap(([name, shades]) => [
        [`--mantine-color-${name}-light-color`, shades[9]],
        [`--mantine-color-${name}-outline`, shades[9]],
        [`--mantine-color-${name}-text`, shades[9]],
      ]),
    ),
  },
  dark: {
    "--mantine-color-dimmed": "var(--mantine-color-dark-1)",
    "--mantine-color-placeholder": "var(--mantine-color-dark-1)",
    "--mantine-color-error": "var(--mantine-color-red-4)",
    ...Object.fromEntries(
      COLORS.flatMap(([name, shades]) => [
        [`--mantine-color-${name}-light-color`, shades[2]],
        [`--mantine-color-${name}-outline`, shades[3]],
        [`--mantine-color-${name}-text`, shades[3]],
      ]),
    ),
  },
});
