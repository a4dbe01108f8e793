import { ActionIcon, Menu, Text } from "@mantine/core";
import { LogOut, UserRound } from "lucide-react";
import { Ago } from "../shared/Ago.tsx";
import { useAccess, useSession } from "../session/Session.tsx";

/** Who is signed in, until when, and the way out. */
export function PersonMenu() {
  const { signOut } = useSession();
  const { person } = useAccess();
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <ActionIcon variant="default" size="lg" aria-label={`Signed in as ${person.subject}`}>
          <UserRound size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <div style={{ padding: "8px 12px" }}>
          <Text size="sm" fw={600} className="mono">
            {person.subject}
          </Text>
          <Text size="sm" c="dimmed">
            {person.role}
            {person.project && ` of ${person.project.slug}`}
          </Text>
          {person.expiresAt !== null && (
            <Text size="sm" c="dimmed">
              Ends <Ago at={person.expiresAt} />
            </Text>
          )}
        </div>
        <Menu.Divider />
        <Menu.Item leftSection={<LogOut size={16} aria-hidden />} onClick={signOut}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
