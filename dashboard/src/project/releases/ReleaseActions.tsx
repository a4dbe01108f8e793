import { Button, Group, Modal, NumberInput, Stack, Text } from "@mantine/core";
import { Bird, Rocket, Undo2 } from "lucide-react";
import { useState } from "react";
import type { Choice } from "./choices.ts";
import type { Deploys } from "./useDeploys.tsx";

const WORDS: Record<Choice, { label: string; Icon: typeof Rocket }> = {
  deploy: { label: "Deploy", Icon: Rocket },
  canary: { label: "Canary", Icon: Bird },
  rollback: { label: "Roll back", Icon: Undo2 },
};

type Props = { number: number; choices: Choice[]; deploys: Deploys };

/** What may be done with one release; each asks once before users notice. */
export function ReleaseActions({ number, choices, deploys }: Props) {
  const [asked, setAsked] = useState<Choice | null>(null);
  if (choices.length === 0) return null;
  return (
    <Group gap="xs">
      {choices.map((choice) => {
        const { label, Icon } = WORDS[choice];
        return (
          <Button
            key={choice}
            size="xs"
            variant="default"
            leftSection={<Icon size={14} aria-hidden />}
            aria-label={
              choice === "rollback" ? `Roll back to release ${number}` : `${label} release ${number}`
            }
            onClick={() => setAsked(choice)}
          >
            {label}
          </Button>
        );
      })}
      <Modal opened={asked !== null} onClose={() => setAsked(null)} title={title(asked, number)} centered>
        {asked && (
          <Question choice={asked} number={number} deploys={deploys} onClose={() => setAsked(null)} />
        )}
      </Modal>
    </Group>
  );
}

function title(choice: Choice | null, number: number): string {
  if (choice === "canary") return `Try release ${number} with some of the requests?`;
  return choice === "rollback" ? `Go back to release ${number}?` : `Deploy release ${number}?`;
}

function Question({
  choice,
  number,
  deploys,
  onClose,
}: {
  choice: Choice;
  number: number;
  deploys: Deploys;
  onClose: () => void;
}) {
  const [percent, setPercent] = useState<number | string>(10);
  const isPercent = typeof percent === "number" && Number.isInteger(percent) && percent >= 1 && percent <= 99;
  const go = async () => {
    if (choice === "deploy") await deploys.deploy(number);
    else if (choice === "rollback") await deploys.rollback(number);
    else await deploys.canary(number, Number(percent));
    onClose();
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void go();
      }}
    >
      <Stack>
        <Text size="sm">
          {choice === "canary"
            ? "Its containers start beside those that serve. Promote it or take it back when you have seen enough; too many failed requests take it back by themselves."
            : "Its containers start beside those that serve. Requests go to them once they are healthy; if they do not become so, or fail too often, what serves now serves on."}
        </Text>
        {choice === "canary" && (
          <NumberInput
            label="Percent of the requests"
            description="1 to 99"
            min={1}
            max={99}
            clampBehavior="none"
            allowDecimal={false}
            value={percent}
            onChange={setPercent}
            error={isPercent ? null : "A whole number from 1 to 99."}
            data-autofocus
          />
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={deploys.isBusy} disabled={choice === "canary" && !isPercent}>
            {choice === "canary" ? "Start the canary" : choice === "rollback" ? "Roll back" : "Deploy"}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
