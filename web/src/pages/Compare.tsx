/* The page that Colrow exists for: what does each policy cost in accuracy, and what does it save? */

import {
  createColumnHelper,
  flexRender,
  getCoreRowModel,
  getSortedRowModel,
  useReactTable,
} from "@tanstack/react-table";
import type { SortingState } from "@tanstack/react-table";
import { useMemo, useState } from "react";

import type { Group } from "../api/client";
import { useComparison, useJobs, useSweeps } from "../api/queries";
import type { X } from "../api/queries";
import { Chart } from "../charts/Chart";
import { belowNear, compareLabel, compareOption, isStretched } from "../charts/compare";
import { useTheme } from "../charts/theme";
import { Link } from "../components/Link";
import { PolicyMark } from "../components/Marks";
import { Empty, Failed, Loading } from "../components/States";
import { Switch } from "../components/Switch";
import { chosenIds } from "../lib/choice";
import { percent, points, several, spread, times } from "../lib/format";
import { withoutShared } from "../lib/labels";
import { inOrder } from "../lib/policies";
import { scopeOf } from "../lib/scope";
import { navigate, useParam } from "../lib/url";
import { best, headline, nearest, verdict } from "../lib/verdict";
import type { Judged } from "../lib/verdict";

const PERFORMED = { value: "compute_reduction" as X, label: "Performed", axis: "Compute reduction, performed" };
const XS: { value: X; label: string; axis: string }[] = [
  PERFORMED,
  { value: "planned_compute_reduction", label: "Planned", axis: "Compute reduction, planned" },
  { value: "time_saved", label: "Measured time", axis: "Training time saved against exact, measured" },
];
const TOLERANCES = ["0.2", "0.5", "1", "2"];

const taskOf = (group: Group) => `${group.model} on ${group.dataset}`;

const judged = (group: Group): Group & Judged => ({
  ...group,
  delta: group.delta_y ? { mean: group.delta_y.mean, std: group.delta_y.std } : null,
});

export function ComparePage() {
  const [sweep] = useParam("sweep");
  const [ticked] = useParam("jobs");
  const [x, setX] = useParam("x", "compute_reduction");
  const [within, setWithin] = useParam("within", "0.2");
  const theme = useTheme();
  const sweeps = useSweeps();
  const ids = chosenIds(ticked);
  const newest = sweeps.data?.items[0]?.id;
  const jobs = useJobs({});
  const listed = jobs.data?.pages[0]?.items.map((job) => job.id) ?? [];
  const scope = scopeOf(ids, sweep, newest, listed);
  const axis = XS.find((one) => one.value === x) ?? PERFORMED;
  const comparison = useComparison(scope, axis.value);
  const [range, setRange] = useParam("range");
  const [task, setTask] = useParam("task");
  const tolerance = Number(within) || 0.2;
  const all = comparison.data?.groups;
  const tasks = [...new Set(all?.map(taskOf))];
  const shownTask = tasks.includes(task) ? task : (tasks[0] ?? "");
  // Accuracies on different data are no comparison: one network and data set at a time.
  const groups = useMemo(() => {
    const ofTask = all?.filter((group) => taskOf(group) === shownTask);
    const labels = withoutShared(ofTask?.map((group) => group.label) ?? []);
    return ofTask?.map((group, i) => ({ ...group, label: labels[i] ?? group.label }));
  }, [all, shownTask]);

  const isNear = range ? range === "near" : isStretched(groups ?? []);
  const option = useMemo(
    () => compareOption(groups ?? [], { xLabel: axis.axis, yLabel: "Test accuracy", within: tolerance, isNear }, theme),
    [groups, axis, tolerance, isNear, theme],
  );

  if (sweeps.isError) return <Failed error={sweeps.error} onRetry={() => void sweeps.refetch()} />;
  if (sweeps.isPending || (comparison.isPending && comparison.isFetching)) return <Loading what="the comparison" />;
  if (comparison.isError) return <Failed error={comparison.error} onRetry={() => void comparison.refetch()} />;
  if (!groups?.length) return <Nothing />;

  const name = ids.length
    ? several(ids.length, "chosen job")
    : scope.sweep
      ? sweeps.data.items.find((one) => one.id === scope.sweep)?.name || "sweep without a name"
      : several(listed.length, "job");
  const pending = groups.reduce((sum, group) => sum + group.pending, 0);
  const below = belowNear(groups).length;
  const results = groups.some((group) => group.y.mean !== null);
  return (
    <article className="page compare">
      <header className="page-head">
        <div>
          <p className="over">
            {name}
            {pending > 0 && <> · {several(pending, "job")} still to come</>}
          </p>
          <Answer groups={groups} within={tolerance} saved={x === "time_saved" ? "time" : "compute"} />
        </div>
        <div className="controls">
          {tasks.length > 1 && (
            <Switch
              legend="Network and data"
              name="task"
              options={tasks.map((one) => ({ value: one, label: one }))}
              value={shownTask}
              onChange={setTask}
            />
          )}
          <Switch legend="Saved" name="x" options={XS} value={axis.value} onChange={setX} />
          <label className="pick">
            Within
            <select value={within} onChange={(event) => setWithin(event.target.value)}>
              {TOLERANCES.map((one) => (
                <option key={one} value={one}>
                  {one} points
                </option>
              ))}
            </select>
          </label>
        </div>
      </header>
      <section className="card" aria-label="Chart">
        <Legend groups={groups} within={within} />
        {results ? (
          <Chart
            option={option}
            label={compareLabel(groups)}
            className="tall"
            onPick={(key) => {
              const member = groups.find((group) => group.key === key)?.members[0];
              if (member) navigate(`/jobs/${member.job}`);
            }}
          />
        ) : (
          <p className="quiet pad">Results appear here as jobs succeed, group by group.</p>
        )}
        {results && below > 0 && (
          <p className="quiet foot">
            {isNear ? `${several(below, "group")} far below exact ${below === 1 ? "is" : "are"} out of sight` : ""}
            <button className="link" onClick={() => setRange(isNear ? "all" : "near")}>
              {isNear ? "Show all" : "Show only what is near exact"}
            </button>
          </p>
        )}
      </section>
      <Groups groups={groups.map(judged)} within={tolerance} />
    </article>
  );
}

function Answer({ groups, within, saved }: { groups: readonly Group[]; within: number; saved: "compute" | "time" }) {
  const all = groups.map(judged);
  const found = best(all, within);
  if (found) {
    return (
      <h1 className="answer">
        <Sentence group={found} saved={saved} />
      </h1>
    );
  }
  if (!groups.some((group) => group.is_baseline)) {
    return <h1 className="answer">There is no exact job here to measure against: add one with the same settings.</h1>;
  }
  if (!all.some((group) => group.delta !== null)) return <h1 className="answer">Nothing to compare yet.</h1>;
  const close = nearest(all);
  return (
    <h1 className="answer">
      No policy here stays within {within} points of exact while it saves {saved === "time" ? "time" : "work"}.
      {close && (
        <>
          {" "}
          Nearest: <Sentence group={close} saved={saved} />
        </>
      )}
    </h1>
  );
}

function Sentence({ group, saved }: { group: Group & Judged; saved: "compute" | "time" }) {
  const said = headline(group, saved);
  return (
    <>
      <PolicyMark policy={group.policy} size={18} /> <b>{said.lead}</b> saves <b>{said.saves}</b>, {said.cost}.
      {said.time && <span className="answer-time"> It took {said.time}.</span>}
    </>
  );
}

function Legend({ groups, within }: { groups: readonly Group[]; within: string }) {
  return (
    <ul className="legend">
      {inOrder(groups.map((group) => group.policy)).map((policy) => (
        <li key={policy}>
          <PolicyMark policy={policy} /> {policy}
        </li>
      ))}
      <li>
        <span className="key front" aria-hidden="true" /> Pareto front
      </li>
      <li>
        <span className="key band" aria-hidden="true" /> within {within} points of exact
      </li>
      <li className="quiet">bars: one standard deviation over seeds · pale: another group is better in both</li>
    </ul>
  );
}

type Row = Group & Judged;
const column = createColumnHelper<Row>();

function Groups({ groups, within }: { groups: Row[]; within: number }) {
  const [sorting, setSorting] = useState<SortingState>([{ id: "x", desc: false }]);
  const columns = useMemo(
    () => [
      column.accessor("label", {
        header: "Policy",
        cell: ({ row }) => (
          <span className="with-mark">
            <PolicyMark policy={row.original.policy} />
            <Link to="/curves" changes={{ jobs: row.original.members.map((member) => member.job).join(",") }}>
              {row.original.label}
            </Link>
          </span>
        ),
      }),
      column.accessor((row) => row.y.mean ?? -1, {
        id: "y",
        header: "Accuracy, %",
        cell: ({ row }) => spread(row.original.y),
      }),
      column.accessor((row) => row.delta?.mean ?? 0, {
        id: "delta",
        header: "Δ points",
        cell: ({ row }) => (row.original.is_baseline ? "baseline" : points(row.original.delta?.mean)),
      }),
      column.accessor((row) => row.x.mean ?? 0, {
        id: "x",
        header: "Saved",
        cell: ({ row }) => percent(row.original.x.mean),
      }),
      column.accessor((row) => row.planned_compute_reduction.mean ?? 0, {
        id: "planned",
        header: "Planned",
        cell: ({ row }) => percent(row.original.planned_compute_reduction.mean),
      }),
      column.accessor((row) => row.seconds_ratio ?? 0, {
        id: "time",
        header: "Time",
        cell: ({ row }) => times(row.original.seconds_ratio),
      }),
      column.display({
        id: "verdict",
        header: "Verdict",
        cell: ({ row }) => {
          const { kind, text } = verdict(row.original, within);
          return <span className={`verdict ${kind}`}>{text}</span>;
        },
      }),
    ],
    [within],
  );
  const table = useReactTable({
    data: groups,
    columns,
    state: { sorting },
    onSortingChange: setSorting,
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
  });
  return (
    <section className="card table" aria-label="Table">
      <table>
        <thead>
          {table.getHeaderGroups().map((head) => (
            <tr key={head.id}>
              {head.headers.map((cell) => {
                const sorted = cell.column.getIsSorted();
                return (
                  <th
                    key={cell.id}
                    className={cell.id}
                    aria-sort={sorted ? (sorted === "asc" ? "ascending" : "descending") : undefined}
                  >
                    {cell.column.getCanSort() ? (
                      <button className="sort" onClick={cell.column.getToggleSortingHandler()}>
                        {flexRender(cell.column.columnDef.header, cell.getContext())}
                        <span aria-hidden="true">{sorted ? (sorted === "asc" ? " ↑" : " ↓") : ""}</span>
                      </button>
                    ) : (
                      flexRender(cell.column.columnDef.header, cell.getContext())
                    )}
                  </th>
                );
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          {table.getRowModel().rows.map((row) => (
            <tr key={row.original.key} className={row.original.is_pareto ? "on-front" : ""}>
              {row.getVisibleCells().map((cell) => (
                <td key={cell.id} className={cell.column.id}>
                  {flexRender(cell.column.columnDef.cell, cell.getContext())}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Nothing() {
  return (
    <Empty title="Nothing to compare yet">
      A comparison needs a sweep, or some jobs ticked at the left. <Link to="/new">Submit one</Link> with several seeds
      and an exact baseline, or run <code>make demo</code>: it trains four policies on real data in a minute.
    </Empty>
  );
}
