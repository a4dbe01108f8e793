import { Alert, List, Stack } from "@mantine/core";
import { useState } from "react";
import { MakeButtons, type Wish } from "./CreatePage.tsx";
import { ManifestEditor } from "./ManifestEditor.tsx";
import { readManifest } from "./manifestText.ts";

const EXAMPLE = `name: shop
services:
  web: { stack: react, route: / }
  api: { stack: node, route: /api }
attachments: ["postgres:15"]
env: { LOG_LEVEL: info }
environments:
  deploy: { replicas: 2 }
`;

export function FromManifest({ onMake, isBusy }: { onMake: (wish: Wish) => void; isBusy: boolean }) {
  const [text, setText] = useState(EXAMPLE);
  const { input, findings } = readManifest(text);
  return (
    <Stack>
      <ManifestEditor initial={EXAMPLE} onChange={setText} label="Manifest" />
      <Alert
        color={findings.length === 0 ? "green" : "red"}
        title={findings.length === 0 ? "This manifest can be used" : `${findings.length} to correct`}
        role="status"
      >
        {findings.length > 0 && (
          <List size="sm">
            {findings.map(({ message, from }) => (
              <List.Item key={`${from} ${message}`}>{message}</List.Item>
            ))}
          </List>
        )}
      </Alert>
      <MakeButtons
        isDisabled={input === null}
        isBusy={isBusy}
        onMake={(isStarted) => input && onMake({ name: input.name, manifest: input, isStarted })}
      />
    </Stack>
  );
}
