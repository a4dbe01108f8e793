import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import type { Deploys } from "./useDeploys.tsx";

type Props = {
  isOpen: boolean;
  slug: string;
  from: number | null;
  to: number | null;
  deploys: Deploys;
  onClose: () => void;
};

/** Back to what was live before, in one step. */
export function RollBack({ isOpen, slug, from, to, deploys, onClose }: Props) {
  return (
    <Modal opened={isOpen} onClose={onClose} title={`Roll ${slug} back?`} centered>
      <Stack>
        <Text size="sm">
          {from === null ? "" : `Release ${from} serves now. `}
          Release {to}, which was live before, takes its place once its containers are healthy. No request is
          dropped.
        </Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button
            data-autofocus
            loading={deploys.isBusy}
            onClick={() => void deploys.rollback().then(() => onClose())}
          >
            Roll back to release {to}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
