import { ActionIcon, Anchor, AppShell, Burger, Button, Group, NavLink, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { spotlight } from "@mantine/spotlight";
import { Columns3, Plus, Search, Server, Stethoscope, Table2, type LucideIcon } from "lucide-react";
import { useEffect, type ReactNode } from "react";
import { Link, useLocation } from "react-router";
import { useAccess } from "../session/Session.tsx";
import { ConnectionBanner } from "./ConnectionBanner.tsx";
import { Finder } from "./Finder.tsx";
import { PersonMenu } from "./PersonMenu.tsx";
import { SchemeToggle } from "./SchemeToggle.tsx";

type Place = { to: string; label: string; Icon: LucideIcon };

const BOARD: Place = { to: "/", label: "Board", Icon: Columns3 };
const LIST: Place = { to: "/list", label: "Projects", Icon: Table2 };
const HOSTS: Place = { to: "/hosts", label: "Hosts", Icon: Server };
const SYSTEM: Place = { to: "/system", label: "System", Icon: Stethoscope };

/** What every page has around it. */
export function Shell({ children }: { children: ReactNode }) {
  const { isAdmin, seesAll } = useAccess();
  const { pathname } = useLocation();
  const [isOpen, { toggle, close }] = useDisclosure();
  useEffect(close, [pathname, close]);
  const places = seesAll ? [BOARD, LIST, HOSTS, SYSTEM] : [LIST];
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 240, breakpoint: "sm", collapsed: { desktop: true, mobile: !isOpen } }}
    >
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap">
            <Burger hiddenFrom="sm" size="sm" opened={isOpen} onClick={toggle} aria-label="Menu" />
            <Anchor
              component={Link}
              to="/"
              underline="never"
              c="inherit"
              aria-label="Slipway, to the projects"
            >
              <Group gap={8} wrap="nowrap">
                <img src="/icon.svg" alt="" width={26} height={26} />
                <Text fw={700} visibleFrom="xs">
                  Slipway
                </Text>
              </Group>
            </Anchor>
            <Group gap={4} ml="md" visibleFrom="sm" component="nav" aria-label="Pages">
              {places.map(({ to, label, Icon }) => (
                <Button
                  key={to}
                  component={Link}
                  to={to}
                  size="compact-md"
                  variant={isHere(pathname, to) ? "light" : "subtle"}
                  color={isHere(pathname, to) ? undefined : "gray"}
                  aria-current={isHere(pathname, to) ? "page" : undefined}
                  leftSection={<Icon size={16} aria-hidden />}
                >
                  {label}
                </Button>
              ))}
            </Group>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <ActionIcon variant="default" size="lg" aria-label="Find (Ctrl+K)" onClick={spotlight.open}>
              <Search size={18} aria-hidden />
            </ActionIcon>
            {isAdmin && (
              <Button component={Link} to="/new" size="sm" leftSection={<Plus size={16} aria-hidden />}>
                New
              </Button>
            )}
            <SchemeToggle />
            <PersonMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" aria-label="Menu" hidden={!isOpen}>
        {places.map(({ to, label, Icon }) => (
          <NavLink
            key={to}
            component={Link}
            to={to}
            label={label}
            active={isHere(pathname, to)}
            leftSection={<Icon size={18} aria-hidden />}
          />
        ))}
      </AppShell.Navbar>
      <AppShell.Main style={{ display: "flex", flexDirection: "column", height: "100dvh" }}>
        <ConnectionBanner />
        <div style={{ flex: 1, minHeight: 0, overflow: "auto" }}>{children}</div>
      </AppShell.Main>
      <Finder places={places} />
    </AppShell>
  );
}

function isHere(pathname: string, to: string): boolean {
  return pathname === to || (to !== "/" && pathname.startsWith(`${to}/`));
}
