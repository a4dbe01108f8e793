import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";

type Props = {
  isOpen: boolean;
  title: string;
  /** What will be lost. */
  consequence: string;
  /** What has to be typed: the project's slug. */
  name: string;
  /** The button's word: "Delete". */
  verb: string;
  isBusy?: boolean;
  onConfirm: () => void;
  onClose: () => void;
};

/** Asks for a name before something is destroyed. */
export function ConfirmByName(props: Props) {
  return (
    <Modal opened={props.isOpen} onClose={props.onClose} title={props.title} centered>
      {props.isOpen && <Question {...props} />}
    </Modal>
  );
}

function Question({ consequence, name, verb, isBusy, onConfirm, onClose }: Props) {
  const [typed, setTyped] = useState("");
  const isRight = typed.trim() === name;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (isRight) onConfirm();
      }}
    >
      <Stack>
        <Text size="sm">{consequence}</Text>
        <TextInput
          data-autofocus
          label={
            <>
              Type <b>{name}</b> to confirm
            </>
          }
          autoComplete="off"
          spellCheck={false}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button color="red.9" type="submit" disabled={!isRight} loading={isBusy}>
            {verb}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
