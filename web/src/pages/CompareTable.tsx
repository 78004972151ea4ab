/* The groups of a comparison in numbers: what the chart shows, and what the evidence says. */

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
import { Link } from "../components/Link";
import { PolicyMark } from "../components/Marks";
import { Whisker } from "../components/Whisker";
import { percent } from "../lib/format";
import { differenceIn, gain, spreadIn } from "../lib/measures";
import { footnote, timeRatio } from "../lib/timing";
import { verdict } from "../lib/verdict";
import type { Terms } from "../lib/verdict";
import { reachOf } from "../lib/whisker";

interface Props {
  groups: Group[];
  terms: Terms;
  /** The margin in the metric's own unit. */
  margin: number;
}

const column = createColumnHelper<Group>();

export function CompareTable({ groups, terms, margin }: Props) {
  const [sorting, setSorting] = useState<SortingState>([{ id: "x", desc: false }]);
  const columns = useMemo(() => columnsOf(groups, terms, margin), [groups, terms, margin]);
  const table = useReactTable({
    data: groups,
    columns,
    state: { sorting },
    onSortingChange: setSorting,
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
  });
  const note = footnote(groups.map((group) => group.time_caveat));
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
      {note && <p className="quiet foot">{note}</p>}
    </section>
  );
}

function columnsOf(groups: readonly Group[], terms: Terms, margin: number) {
  const { measure } = terms;
  const reach = reachOf(
    groups.flatMap((group) => group.evidence ?? []),
    margin,
  );
  const noun = measure.noun.replace(/^./, (first) => first.toUpperCase());
  const isAsPlanned = groups.every(
    ({ x, planned_compute_reduction: { mean: planned } }) =>
      x.mean === null || planned === null || Math.abs(x.mean - planned) < 0.005,
  );
  return [
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
    column.accessor((row) => row.y.mean ?? undefined, {
      id: "y",
      sortUndefined: "last",
      header: measure.isShare ? `${noun}, %` : noun,
      cell: ({ row }) => spreadIn(measure, row.original.y),
    }),
    column.accessor((row) => row.delta_y?.mean ?? undefined, {
      id: "delta",
      sortUndefined: "last",
      header: measure.isShare ? "Δ points" : "Δ",
      cell: ({ row }) => (row.original.is_baseline ? "baseline" : differenceIn(measure, row.original.delta_y?.mean)),
    }),
    column.display({
      id: "interval",
      header: "95 % interval",
      cell: ({ row: { original: group } }) => {
        const found = group.evidence;
        if (!found) return "";
        const ends = [found.low, found.high].map((end) => (end === null ? null : gain(measure, end)));
        const [low = null, high = null] = measure.better === "lower" ? ends.reverse() : ends;
        return (
          <Whisker
            mean={gain(measure, found.mean)}
            low={low}
            high={high}
            margin={margin}
            reach={reach}
            kind={found.verdict}
            label={
              found.low === null
                ? "no interval yet"
                : `from ${differenceIn(measure, found.low)} to ${differenceIn(measure, found.high)}`
            }
          />
        );
      },
    }),
    column.accessor((row) => row.x.mean ?? undefined, {
      id: "x",
      sortUndefined: "last",
      header: "Saved",
      cell: ({ row }) => percent(row.original.x.mean),
    }),
    ...(isAsPlanned
      ? []
      : [
          column.accessor((row) => row.planned_compute_reduction.mean ?? undefined, {
            id: "planned",
            sortUndefined: "last",
            header: "Planned",
            cell: ({ row }) => percent(row.original.planned_compute_reduction.mean),
          }),
        ]),
    column.accessor((row) => row.seconds_ratio ?? undefined, {
      id: "time",
      sortUndefined: "last",
      header: "Time",
      cell: ({ row }) => timeRatio(row.original),
    }),
    column.display({
      id: "verdict",
      header: "Verdict",
      cell: ({ row }) => {
        const { kind, text } = verdict(row.original, terms);
        return <span className={`verdict ${kind}`}>{text}</span>;
      },
    }),
  ];
}
