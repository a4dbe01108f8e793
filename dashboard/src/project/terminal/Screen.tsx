import { Button, Group, Stack, Text, useComputedColorScheme } from "@mantine/core";
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { Plug } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { EnvironmentKind } from "../../../../core/lifecycle.ts";
import { useSession } from "../../session/Session.tsx";
import { doorSocketUrl } from "../../shared/door.ts";
import { Problem } from "../../shared/Problem.tsx";
import { openTerminal, type Ending } from "./terminalSession.ts";
import { TERMINAL_THEMES } from "./terminalThemes.ts";
import classes from "./Screen.module.css";

type Props = { namespace: string; kind: EnvironmentKind; service: string; isReadAloud: boolean };

type State = { attempt: number } & ({ is: "connecting" } | { is: "open" } | { is: "over"; ending: Ending });

const ENCODER = new TextEncoder();

/** One shell in one container, for as long as this is in the page. */
export function Screen({ namespace, kind, service, isReadAloud }: Props) {
  const { token } = useSession();
  const place = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const terminal = useRef<Terminal>(null);
  const scheme = useComputedColorScheme("light");
  const [attempt, setAttempt] = useState(0);
  const [told, setTold] = useState<State | null>(null);
  // What was told of an earlier attempt says nothing of this one.
  const state: State = told?.attempt === attempt ? told : { attempt, is: "connecting" };

  useEffect(() => {
    if (token === null) return;
    const screen = new Terminal({
      cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      fontFamily: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
      fontSize: 14,
      scrollback: 5000,
      minimumContrastRatio: 4.5,
    });
    const fit = new FitAddon();
    screen.loadAddon(fit);
    screen.open(place.current!);
    fit.fit();
    terminal.current = screen;
    // Tab belongs to the shell; this is the way out for whoever uses the keyboard alone.
    screen.attachCustomKeyEventHandler((event) => {
      if (!(event.ctrlKey && event.key === "F6")) return true;
      if (event.type === "keydown") button.current?.focus();
      return false;
    });
    const session = openTerminal(
      {
        url: doorSocketUrl("projects", namespace, kind, "terminal"),
        token,
        service,
        columns: screen.cols,
        rows: screen.rows,
      },
      {
        onOpen: () => {
          setTold({ attempt, is: "open" });
          screen.focus();
        },
        onOutput: (bytes) => screen.write(bytes),
        onEnd: (ending) => {
          setTold({ attempt, is: "over", ending });
          screen.options.disableStdin = true;
        },
      },
    );
    screen.onData((text) => session.type(ENCODER.encode(text)));
    screen.onBinary((text) => session.type(Uint8Array.from(text, (char) => char.charCodeAt(0))));
    screen.onResize(({ cols, rows }) => session.resize({ columns: cols, rows }));
    const observer = new ResizeObserver(() => fit.fit());
    observer.observe(place.current!);
    return () => {
      observer.disconnect();
      session.close();
      screen.dispose();
      terminal.current = null;
    };
  }, [namespace, kind, service, token, attempt]);

  useEffect(() => {
    if (!terminal.current) return;
    terminal.current.options.theme = TERMINAL_THEMES[scheme];
    terminal.current.options.screenReaderMode = isReadAloud;
  }, [scheme, isReadAloud, token, attempt]);

  const isOver = state.is === "over";
  return (
    <Stack gap="xs">
      <Group justify="space-between" gap="xs">
        <Text size="sm" role="status">
          {stateText(state, `${service} of ${kind}`)}
        </Text>
        <Button
          ref={button}
          size="xs"
          variant={isOver ? "filled" : "default"}
          leftSection={<Plug size={14} aria-hidden />}
          onClick={() => setAttempt(attempt + 1)}
        >
          {isOver ? "Connect again" : "Start over"}
        </Button>
      </Group>
      {isOver && "problem" in state.ending && <Problem problem={state.ending.problem} />}
      <div
        className={classes.frame}
        data-scheme={scheme}
        role="region"
        aria-label={`Terminal in ${service} of ${kind}`}
      >
        <div ref={place} className={classes.screen} />
      </div>
      <Text size="sm" c="dimmed">
        Tab goes to the shell; <kbd>Ctrl</kbd> + <kbd>F6</kbd> leaves the terminal. Whoever leaves this tab
        ends the shell and what it runs.
      </Text>
    </Stack>
  );
}

function stateText(state: State, where: string): string {
  if (state.is === "connecting") return `Connecting with ${where}…`;
  if (state.is === "open") return `Connected with ${where}`;
  return "exitCode" in state.ending ? `The shell ended with code ${state.ending.exitCode}.` : "Not connected";
}
