/* The frame: jobs at the left, always there; what is asked of them at the right. */

import { Suspense, lazy, useEffect, useLayoutEffect, useRef, useState } from "react";

import { useLive, useSession } from "./api/queries";
import { Away } from "./components/Away";
import { JobList } from "./components/JobList";
import { KeyHelp } from "./components/KeyHelp";
import { LiveDot } from "./components/LiveDot";
import { Link } from "./components/Link";
import { Boundary, Empty, Loading } from "./components/States";
import { Who } from "./components/Who";
import { routeOf, navigate, usePath } from "./lib/url";
import type { Route } from "./lib/url";
import { ComparePage } from "./pages/Compare";
import { CurvesPage } from "./pages/Curves";
import { DiffPage } from "./pages/Diff";
import { JobPage } from "./pages/Job";
import { LayersPage } from "./pages/Layers";
import { NewJobPage } from "./pages/NewJob";
import { QueuePage } from "./pages/Queue";
import { SignIn } from "./pages/SignIn";
import { StudyPage } from "./pages/Study";
import { TablePage } from "./pages/Table";

// Pages that few come for, and nobody first.
const TokensPage = lazy(() => import("./pages/Tokens").then((page) => ({ default: page.TokensPage })));
const WorkersPage = lazy(() => import("./pages/Workers").then((page) => ({ default: page.WorkersPage })));

const TABS = [
  { page: "compare", path: "/compare", label: "Compare" },
  { page: "curves", path: "/curves", label: "Curves" },
  { page: "table", path: "/table", label: "Table" },
  { page: "layers", path: "/layers", label: "Layers" },
  { page: "diff", path: "/diff", label: "Diff" },
  { page: "study", path: "/study", label: "Study" },
  { page: "queue", path: "/queue", label: "Queue" },
] as const;

const TITLES: Partial<Record<Route["page"], string>> = {
  workers: "Workers",
  tokens: "Tokens",
  new: "New job",
  job: "Job",
};

/** A new job is no clone, and not of the kind or preset that was chosen before. */
const BLANK = { from: null, preset: null, kind: null };
/** Fields that characters are typed into or chosen by. */
const TYPED = "textarea, select, input:not([type=checkbox], [type=radio], [type=range])";

/** The frame, for who may see it; a session that ends lays the sign-in over it and leaves it as it is. */
export function App() {
  const session = useSession();
  const [wasIn, setWasIn] = useState(false);
  const isOut = session.data === null;
  if (!wasIn && !isOut && !session.isPending) setWasIn(true);
  return (
    <>
      {wasIn && <Frame isOut={isOut} />}
      {isOut && <SignIn again={wasIn} />}
      {session.isPending && <Loading what="the page" />}
    </>
  );
}

function Frame({ isOut }: { isOut: boolean }) {
  useLive(!isOut);
  const [helps, setHelps] = useState(false);
  useKeys(!isOut, setHelps);
  const path = usePath();
  const route = routeOf(path);
  // On a phone the list lies over the page, until something was chosen from it.
  const [openAt, setOpenAt] = useState<string | null>(null);
  const isOpen = openAt === path;
  const drawer = useRef<HTMLButtonElement>(null);
  const content = useRef<HTMLElement>(null);
  // Another page begins at its top.
  useLayoutEffect(() => {
    content.current?.scrollTo({ top: 0 });
  }, [path]);
  const title = TABS.find((tab) => tab.page === route.page)?.label ?? TITLES[route.page] ?? "No such page";
  useEffect(() => {
    document.title = `${title} · Colrow`;
  }, [title]);

  return (
    <div className="frame" inert={isOut}>
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <header className="top">
        <Link to="/compare" className="brand">
          <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
            <path d="M3 3h4v18H3zM10 3h4v18h-4z" className="brand-column" />
            <path d="M17 3h4v4h-4zM17 10h4v4h-4zM17 17h4v4h-4z" className="brand-row" />
          </svg>
          Colrow
        </Link>
        <nav className="tabs" aria-label="Views">
          {TABS.map((tab) => (
            <Link key={tab.page} to={tab.path} className="tab" current={route.page === tab.page}>
              {tab.label}
            </Link>
          ))}
        </nav>
        <button
          ref={drawer}
          className="button menu"
          aria-expanded={isOpen}
          aria-controls="jobs"
          onClick={() => setOpenAt(isOpen ? null : path)}
        >
          Jobs
        </button>
        <LiveDot />
        <Who />
        <button className="link key-help" aria-label="Keys" title="Keys (?)" onClick={() => setHelps(true)}>
          ?
        </button>
        <Link to="/new" changes={BLANK} className="button primary" current={route.page === "new"}>
          New job
        </Link>
      </header>
      <div
        id="jobs"
        className={isOpen ? "side open" : "side"}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || !isOpen || event.defaultPrevented) return;
          setOpenAt(null);
          drawer.current?.focus();
        }}
      >
        <JobList openJob={route.page === "job" ? route.id : null} />
      </div>
      <main id="content" ref={content} tabIndex={-1}>
        <Boundary key={path}>
          <Suspense fallback={<Loading what="the page" />}>
            <Page route={route} />
          </Suspense>
        </Boundary>
      </main>
      <Away />
      <KeyHelp isOpen={helps && !isOut} tabs={TABS.map((tab) => tab.label)} onClose={() => setHelps(false)} />
    </div>
  );
}

function Page({ route }: { route: Route }) {
  switch (route.page) {
    case "compare":
      return <ComparePage />;
    case "curves":
      return <CurvesPage />;
    case "table":
      return <TablePage />;
    case "layers":
      return <LayersPage />;
    case "diff":
      return <DiffPage />;
    case "workers":
      return <WorkersPage />;
    case "tokens":
      return <TokensPage />;
    case "study":
      return <StudyPage />;
    case "queue":
      return <QueuePage />;
    case "new":
      return <NewJobPage />;
    case "job":
      return <JobPage key={route.id} id={route.id} />;
    case "unknown":
      return (
        <Empty title="There is no such page">
          Nothing lives at <code>{route.path}</code>. <Link to="/compare">Go to Compare</Link>.
        </Empty>
      );
  }
}

/** `/` goes to the search, 1 to 7 to the tabs, n to a new job, ? to the keys. */
function useKeys(isOn: boolean, setHelps: (helps: boolean) => void): void {
  useEffect(() => {
    if (!isOn) return;
    const hear = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.metaKey || event.ctrlKey || event.altKey || target.matches(TYPED)) return;
      // What lies over the page has its own keys.
      if (document.querySelector("dialog[open]")) return;
      const tab = TABS[Number(event.key) - 1];
      if (event.key === "/") document.getElementById("search")?.focus();
      else if (event.key === "n") navigate("/new", BLANK);
      else if (event.key === "?") setHelps(true);
      else if (tab) navigate(tab.path);
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", hear);
    return () => window.removeEventListener("keydown", hear);
  }, [isOn, setHelps]);
}
