/* Every job of the list at the left as a table: what was asked, what came out, how far off exact. */

import { useCallback, useEffect, useMemo } from "react";

import { useCatalog, useExact, useSweeps, useTable } from "../api/queries";
import { Link } from "../components/Link";
import { Empty, Failed, Loading } from "../components/States";
import { Switch } from "../components/Switch";
import { Baselines } from "../lib/baselines";
import { chosenIds, withMany } from "../lib/choice";
import { columnOf, differing } from "../lib/columns";
import { columnsIn, metricsFor, usualColumns } from "../lib/chosenColumns";
import { pathsAmong } from "../lib/fields";
import { count, several } from "../lib/format";
import { SEARCH_RESTS_MS, useSlow } from "../lib/slow";
import { BY_LABEL, csvOf, groupsOf, rowsOf, sortIn } from "../lib/table";
import { caveatOf, footnote } from "../lib/timing";
import { useParam } from "../lib/url";
import { Grid } from "./TableGrid";
import { Columns, Exports } from "./TableMenus";

const MOST = 2000;
const VIEWS = [
  { value: "grouped", label: "Grouped" },
  { value: "flat", label: "Every job" },
] as const;

export function TablePage() {
  const [sweep] = useParam("sweep");
  const [typed] = useParam("q");
  const text = useSlow(typed, SEARCH_RESTS_MS);
  const [state] = useParam("state");
  const [ticked, setTicked] = useParam("jobs");
  const [cols, setCols] = useParam("cols");
  const [sortText, setSort] = useParam("sort");
  const [view, setView] = useParam("view", "grouped");
  const [openText, setOpen] = useParam("open");
  const [only, setOnly] = useParam("only");
  const catalog = useCatalog();
  const sweeps = useSweeps();
  const facts = useMemo(() => catalog.data?.metrics ?? [], [catalog.data]);
  const metrics = useMemo(() => metricsFor(cols, sortText, facts), [cols, sortText, facts]);
  const filter = { sweep, text, state };
  const jobs = useTable(filter, metrics);
  const { data, dataUpdatedAt, hasNextPage, isFetching, isFetchingNextPage, isPlaceholderData, isError, fetchNextPage } = jobs;

  const items = useMemo(() => data?.pages.flatMap((page) => page.items) ?? [], [data]);
  useEffect(() => {
    // Not while pages are being read again: that would be broken off, and what changed in them be missed.
    if (items.length < MOST && hasNextPage && !isFetching && !isPlaceholderData && !isError) void fetchNextPage();
  }, [items.length, hasNextPage, isFetching, isPlaceholderData, isError, fetchNextPage]);

  // Where the rows may leave out what they are measured against, it is asked for.
  const isPart = Boolean(text || state) || (hasNextPage && items.length >= MOST);
  const exact = useExact(sweep, metrics, isPart);
  const baselines = useMemo(() => new Baselines([...items, ...(exact.data?.items ?? [])]), [items, exact.data]);
  const terms = useMemo(() => ({ facts, baselines, now: dataUpdatedAt }), [facts, baselines, dataUpdatedAt]);
  const ids = useMemo(() => columnsIn(cols, items, catalog.data?.datasets), [cols, items, catalog.data]);
  const columns = useMemo(() => {
    const chosen = ids.map((id) => columnOf(id, terms));
    if (only !== "1") return chosen;
    const paths = pathsAmong(items.map((job) => job.spec)).filter((path) => !ids.includes(path) && path !== "seed");
    return differing([...chosen, ...paths.map((path) => columnOf(path, terms))], items);
  }, [ids, terms, only, items]);

  const groups = useMemo(() => groupsOf(items), [items]);
  const sort = useMemo(() => sortIn(sortText), [sortText]);
  const rows = useMemo(
    () =>
      rowsOf(items, groups, {
        isFlat: view === "flat",
        sort,
        by: sort && sort.by !== BY_LABEL ? columnOf(sort.by, terms) : null,
        open: new Set(chosenIds(openText)),
      }),
    [items, groups, view, sort, terms, openText],
  );

  const onTick = useCallback(
    (many: readonly string[], isTicked: boolean) => {
      setTicked(withMany(chosenIds(new URLSearchParams(location.search).get("jobs") ?? ""), many, isTicked));
    },
    [setTicked],
  );
  const onToggle = useCallback(
    (key: string) => {
      const now = chosenIds(new URLSearchParams(location.search).get("open") ?? "");
      setOpen((now.includes(key) ? now.filter((one) => one !== key) : [...now, key]).join(",") || null);
    },
    [setOpen],
  );

  // What was read stays in sight while the service is away.
  if (jobs.isLoadingError) return <Failed error={jobs.error} onRetry={() => void jobs.refetch()} />;
  if (catalog.isLoadingError) return <Failed error={catalog.error} onRetry={() => void catalog.refetch()} />;
  if (jobs.isPending || catalog.isPending) return <Loading what="the table" />;
  const isFiltered = Boolean(sweep || text || state);
  if (items.length === 0) return <Nothing isFiltered={isFiltered} />;

  const name = sweep ? sweeps.data?.items.find((one) => one.id === sweep)?.name || "Sweep without a name" : "All jobs";
  const isTimed = columns.some((column) => /seconds$|^steps_per_s$/.test(column.id));
  const note = isTimed ? footnote([caveatOf(items), ...items.map((job) => job.time_caveat)]) : "";
  const filters = [text && `“${text}”`, state].filter(Boolean).join(", ");
  return (
    <article className="page table-page">
      <header className="page-head">
        <div>
          <p className="over cut" title={name}>
            <bdi>{name}</bdi>
            {filters && ` · only ${filters}`}
          </p>
          <h1>
            {several(items.length, "job")}
            {hasNextPage && items.length >= MOST ? " (the newest)" : ""}, {several(groups.length, "group")}
          </h1>
        </div>
        <div className="controls">
          <Switch
            legend="Rows"
            name="view"
            options={VIEWS}
            value={view === "flat" ? "flat" : "grouped"}
            onChange={(one) => setView(one === "grouped" ? null : one)}
          />
          <label className="check">
            <input
              type="checkbox"
              checked={only === "1"}
              onChange={(event) => setOnly(event.target.checked ? "1" : null)}
            />
            only columns that differ
          </label>
          <Columns
            chosen={ids}
            usual={cols === ""}
            terms={terms}
            paths={() => pathsAmong(items.map((job) => job.spec))}
            onChange={(next) => setCols(next === null || next.join() === usualColumns(items, catalog.data.datasets).join() ? null : next.join(",") || "none")}
          />
          <Exports filter={filter} csv={() => csvOf(rows, columns)} />
        </div>
      </header>
      <Grid
        rows={rows}
        columns={columns}
        sort={sort}
        isFlat={view === "flat"}
        isOld={isPlaceholderData}
        ticked={ticked}
        resets={[sweep, text, state, sortText, view].join("|")}
        onSort={setSort}
        onTick={onTick}
        onToggle={onToggle}
      />
      <p className="quiet foot">
        {hasNextPage && items.length >= MOST && (
          <>
            The newest {count(items.length)} jobs; search or choose a sweep at the left for others.{" "}
            <button className="link" onClick={() => void fetchNextPage()} disabled={isFetchingNextPage}>
              Load more
            </button>{" "}
          </>
        )}
        {isFetchingNextPage && "Loading more jobs… "}
        Groups: mean ± standard deviation (jobs). {note}
      </p>
    </article>
  );
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) return <Empty title="No job fits">Change the sweep, the search or the state at the left.</Empty>;
  return (
    <Empty title="No jobs yet">
      Every job gets a row here. <Link to="/new">Submit a job</Link>, or run <code>make demo</code>.
    </Empty>
  );
}
