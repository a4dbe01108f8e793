import { Button } from "@mantine/core";
import { Link } from "react-router";
import { useAccess } from "../session/Session.tsx";

/** Where there are no projects yet: the way to the first one, for those who may make it. */
export function FirstProjectButton() {
  const { isAdmin } = useAccess();
  if (!isAdmin) return null;
  return (
    <Button component={Link} to="/new">
      Make the first project
    </Button>
  );
}
