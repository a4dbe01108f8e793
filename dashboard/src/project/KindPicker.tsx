import { SegmentedControl } from "@mantine/core";
import { ENVIRONMENT_KINDS, type EnvironmentKind } from "../../../core/lifecycle.ts";

type Props = {
  value: EnvironmentKind;
  onChange: (kind: EnvironmentKind) => void;
  kinds?: readonly EnvironmentKind[];
};

/** One of a project's environments. */
export function KindPicker({ value, onChange, kinds = ENVIRONMENT_KINDS }: Props) {
  return (
    <SegmentedControl
      aria-label="Environment"
      value={value}
      data={[...kinds]}
      onChange={(chosen) => {
        const kind = kinds.find((one) => one === chosen);
        if (kind) onChange(kind);
      }}
    />
  );
}
