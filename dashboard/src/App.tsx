import { Center, Loader } from "@mantine/core";
import { Suspense } from "react";
import { Navigate, Route, Routes, useLocation } from "react-router";
import { BoardPage } from "./board/BoardPage.tsx";
import { ListPage } from "./list/ListPage.tsx";
import { useSession } from "./session/Session.tsx";
import { SignInPage } from "./session/SignInPage.tsx";
import { lazily } from "./shared/lazily.ts";
import { NotFoundPage } from "./shell/NotFoundPage.tsx";
import { Shell } from "./shell/Shell.tsx";

const CreatePage = lazily(async () => (await import("./create/CreatePage.tsx")).CreatePage);
const ProjectPage = lazily(async () => (await import("./project/ProjectPage.tsx")).ProjectPage);
const HostsPage = lazily(async () => (await import("./hosts/HostsPage.tsx")).HostsPage);
const SystemPage = lazily(async () => (await import("./system/SystemPage.tsx")).SystemPage);

/** Which page an address shows, to whom. */
export function App() {
  const { person } = useSession();
  const { pathname } = useLocation();
  if (pathname === "/sign-in") return <SignInPage />;
  if (person === undefined) return <Waiting />;
  if (person === null) return <Navigate to="/sign-in" replace state={{ from: pathname }} />;
  const own = person.project?.slug;
  return (
    <Shell>
      <Suspense fallback={<Waiting />}>
        <Routes>
          {/* Who sees one project alone has no use for a board. */}
          <Route
            path="/"
            element={own === undefined ? <BoardPage /> : <Navigate to={`/p/${own}`} replace />}
          />
          <Route path="/list" element={<ListPage />} />
          <Route path="/new" element={<CreatePage />} />
          <Route path="/p/:slug/:tab?" element={<ProjectPage />} />
          <Route path="/hosts" element={<HostsPage />} />
          <Route path="/system" element={<SystemPage />} />
          <Route path="*" element={<NotFoundPage />} />
        </Routes>
      </Suspense>
    </Shell>
  );
}

function Waiting() {
  return (
    <Center mih={200} h="100%">
      <Loader aria-label="Loading" />
    </Center>
  );
}
