import { Button } from "@mantine/core";
import { Compass } from "lucide-react";
import { Link } from "react-router";
import { Empty } from "../shared/Empty.tsx";
import { Page } from "../shared/Page.tsx";

export function NotFoundPage() {
  return (
    <Page title="Not found">
      <Empty
        Icon={Compass}
        title="There is no such page"
        action={
          <Button component={Link} to="/">
            To the projects
          </Button>
        }
      >
        The address may be wrong, or the project that it was about is gone.
      </Empty>
    </Page>
  );
}
