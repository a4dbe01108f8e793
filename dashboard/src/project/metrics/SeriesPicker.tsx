import { Button, Group, useComputedColorScheme } from "@mantine/core";
import { lineLook } from "./colors.ts";

type Props = {
  names: string[];
  /** Names whose lines are not drawn. */
  hidden: ReadonlySet<string>;
  onHidden: (hidden: ReadonlySet<string>) => void;
};

/** The legend of all charts at once; each entry shows or hides its lines. */
export function SeriesPicker({ names, hidden, onHidden }: Props) {
  const scheme = useComputedColorScheme("light");
  const toggle = (name: string) => {
    const next = new Set(hidden);
    if (!next.delete(name)) next.add(name);
    onHidden(next);
  };
  return (
    <Group gap="xs" role="group" aria-label="Containers that are drawn">
      {names.map((name, index) => (
        <Button
          key={name}
          size="xs"
          variant="default"
          aria-pressed={!hidden.has(name)}
          td={hidden.has(name) ? "line-through" : undefined}
          leftSection={<LineSample {...lineLook(index, scheme)} />}
          onClick={() => toggle(name)}
        >
          {name}
        </Button>
      ))}
    </Group>
  );
}

/** A piece of the line as the charts draw it. */
export function LineSample({ color, dashes }: { color: string; dashes: number[] }) {
  return (
    <svg width={24} height={8} aria-hidden style={{ flexShrink: 0 }}>
      <path d="M0 4H24" stroke={color} strokeWidth={2.5} strokeDasharray={dashes.join(" ")} />
    </svg>
  );
}
