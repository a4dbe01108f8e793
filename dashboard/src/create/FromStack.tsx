import { Group, Radio, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "convex/react";
import { useState } from "react";
import { api } from "../../../convex/_generated/api";
import { vManifest } from "../../../core/manifest.ts";
import { MakeButtons, type Wish } from "./CreatePage.tsx";

/** What Slipway's own stacks are, for people; a host may have more (docs/stacks.md). */
const ABOUT: Record<string, string> = {
  node: "Node.js with npm; restarts when a file changes",
  react: "React with a bundler; reloads as you type",
  python: "Python 3; restarts when a file changes",
  static: "Files as they are",
};
const OWN = Object.keys(ABOUT);

export function FromStack({ onMake, isBusy }: { onMake: (wish: Wish) => void; isBusy: boolean }) {
  const hosts = useQuery(api.hosts.listHosts, {});
  const known = [...new Set(hosts?.flatMap(({ stacks }) => stacks))].sort();
  const stacks = known.length > 0 ? known : OWN;
  const [name, setName] = useState("");
  const [stack, setStack] = useState("node");
  const checked = vManifest.shape.name.safeParse(name);
  const isWrong = name !== "" && !checked.success;
  return (
    <Stack>
      <TextInput
        label="Name"
        description="Its address comes of it: Shop becomes dev--shop."
        placeholder="Shop"
        value={name}
        maxLength={100}
        error={isWrong && `Expected ${checked.error?.issues[0]?.message ?? "a name"}.`}
        onChange={(event) => setName(event.currentTarget.value)}
        data-autofocus
        required
      />
      <Radio.Group label="Stack" value={stack} onChange={setStack}>
        <Stack gap="xs" mt={6}>
          {stacks.map((one) => (
            <Radio.Card key={one} value={one} p="sm" aria-label={one}>
              <Group wrap="nowrap" align="flex-start">
                <Radio.Indicator aria-hidden />
                <div>
                  <Text size="sm" fw={600}>
                    {one}
                  </Text>
                  <Text size="sm" c="dimmed">
                    {ABOUT[one] ?? "A stack of this host's own"}
                  </Text>
                </div>
              </Group>
            </Radio.Card>
          ))}
        </Stack>
      </Radio.Group>
      <MakeButtons
        isDisabled={!checked.success}
        isBusy={isBusy}
        onMake={(isStarted) => onMake({ name: name.trim(), stack, isStarted })}
      />
    </Stack>
  );
}
