import { NativeSelect, Stack, Text } from "@mantine/core";
import { useQuery } from "convex/react";
import { useMemo, useState } from "react";
import { api } from "../../../../convex/_generated/api";
import { ManifestDiff } from "../manifest/ManifestDiff.tsx";
import { changeOf } from "../manifest/plan.ts";
import { manifestYaml } from "../manifest/withoutDefaults.ts";
import { comparedWith } from "./choices.ts";

type Props = {
  slug: string;
  number: number;
  manifest: unknown;
  /** Of the releases that are known here. */
  numbers: number[];
};

/** What was to be run by one release and by another, by default the one before. */
export function CompareManifests({ slug, number, manifest, numbers }: Props) {
  const [chosen, setChosen] = useState<number | null>(null);
  const other = chosen ?? comparedWith(number, numbers);
  const others = numbers.filter((one) => one !== number);
  const compared = useQuery(api.releases.get, other === null ? "skip" : { project: slug, number: other });
  const { before, after, paths } = useMemo(() => {
    if (!compared) return { before: "", after: "", paths: [] };
    return {
      before: manifestYaml(compared.manifest),
      after: manifestYaml(manifest),
      paths: changeOf(compared.manifest, manifest)?.paths ?? [],
    };
  }, [compared, manifest]);
  if (others.length === 0 || other === null) {
    return (
      <Stack gap="sm">
        {others.length > 0 && <Choice others={others} value={null} onChange={setChosen} />}
        <Text size="sm">It is the first one that is known: there is none before it to compare with.</Text>
      </Stack>
    );
  }
  return (
    <Stack gap="sm">
      <Choice others={others} value={other} onChange={setChosen} />
      {compared === null && <Text size="sm">Release {other} is known no more.</Text>}
      {compared && (
        <ManifestDiff
          before={before}
          after={after}
          beforeLabel={`Release ${other}`}
          afterLabel={`Release ${number}`}
          paths={paths}
        />
      )}
    </Stack>
  );
}

function Choice({
  others,
  value,
  onChange,
}: {
  others: number[];
  value: number | null;
  onChange: (number: number) => void;
}) {
  return (
    <NativeSelect
      label="Compared with"
      size="xs"
      w={180}
      value={value === null ? "" : String(value)}
      data={[
        ...(value === null ? [{ value: "", label: "none" }] : []),
        ...others.map((one) => ({ value: String(one), label: `release ${one}` })),
      ]}
      onChange={(event) => {
        if (event.currentTarget.value !== "") onChange(Number(event.currentTarget.value));
      }}
    />
  );
}
