/* The rows of the table that are in sight, and no others. */

import { memo, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { ReactNode } from "react";

import type { JobItem } from "../api/client";
import { Link } from "../components/Link";
import { PolicyMark, StateBadge } from "../components/Marks";
import { Tick } from "../components/Tick";
import { useShown } from "../components/useShown";
import { chosenIds, rangeOf } from "../lib/choice";
import type { Column } from "../lib/columns";
import { strengthOf } from "../lib/policies";
import { BY_LABEL, nextSort } from "../lib/table";
import type { Row, Sort } from "../lib/table";

const ROW_PX = 34;
/** Rows that are in the page beyond either edge. */
const OVER = 6;

interface GridProps {
  rows: Row<JobItem>[];
  columns: Column[];
  sort: Sort | null;
  isFlat: boolean;
  /** Whether these are rows of the filter before, until those of this one are there. */
  isOld: boolean;
  ticked: string;
  /** When it changes, the reader asked for other rows: these begin at the top. */
  resets: string;
  onSort: (text: string) => void;
  onTick: (ids: readonly string[], isTicked: boolean) => void;
  onToggle: (key: string) => void;
}

export function Grid({ rows, columns, sort, isFlat, isOld, ticked, resets, onSort, onTick, onToggle }: GridProps) {
  const [scroller, setScroller] = useState<HTMLDivElement | null>(null);
  const tops = useMemo(() => Array.from({ length: rows.length + 1 }, (_, i) => i * ROW_PX), [rows.length]);
  const [first, end] = useShown(scroller, tops, OVER);
  useStill(scroller, rows, resets);

  const chosen = useMemo(() => new Set(chosenIds(ticked)), [ticked]);
  // With Shift, the rows from the one that was ticked before to this one.
  const before = useRef<string | null>(null);
  const tickRow = useCallback(
    (key: string, isTicked: boolean, isRange: boolean) => {
      const keys = rangeOf(rows.map((row) => row.key), isRange ? before.current : null, key);
      before.current = key;
      const wanted = new Set(keys);
      onTick(
        rows.filter((row) => wanted.has(row.key)).flatMap((row) => row.jobs.map((job) => job.id)),
        isTicked,
      );
    },
    [rows, onTick],
  );
  const every = useMemo(() => [...new Set(rows.flatMap((row) => row.jobs.map((job) => job.id)))], [rows]);
  const everyTicked = useMemo(() => every.filter((id) => chosen.has(id)).length, [every, chosen]);
  const above = first * ROW_PX;
  const width = columns.reduce((sum, column) => sum + column.width, 0);
  const below = (rows.length - end) * ROW_PX;
  return (
    <div
      className={`card grid ${isFlat ? "flat" : ""} ${isOld ? "stale" : ""}`}
      ref={setScroller}
      tabIndex={0}
      role="region"
      aria-label="Jobs as a table"
    >
      <table aria-rowcount={rows.length + 1} style={{ width: `calc(var(--first) + ${width}px)` }}>
        <colgroup>
          <col className="first" />
          {columns.map((column) => (
            <col key={column.id} style={{ width: column.width }} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            <Head column={{ id: BY_LABEL, label: "Job", isNumber: false }} sort={sort} onSort={onSort}>
              <Tick
                label="Tick all rows"
                ticked={everyTicked}
                of={every.length}
                onChange={(isTicked) => onTick(every, isTicked)}
              />
            </Head>
            {columns.map((column) => (
              <Head key={column.id} column={column} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {above > 0 && <tr className="gap" aria-hidden="true" style={{ height: above }} />}
          {rows.slice(first, end).map((row, i) => (
            <Line
              key={row.key}
              row={row}
              place={first + i + 2}
              columns={columns}
              ticked={row.jobs.filter((job) => chosen.has(job.id)).length}
              onTick={tickRow}
              onToggle={onToggle}
            />
          ))}
          {below > 0 && <tr className="gap" aria-hidden="true" style={{ height: below }} />}
        </tbody>
      </table>
    </div>
  );
}

interface Sight {
  key: string;
  offset: number;
}

/** The first row that was in sight when the table was left, and of which rows it was one. */
let left: { resets: string; seen: Sight | null } = { resets: "", seen: null };

/** Keep the first row in sight where it is, whatever comes or goes above it, and also while another page is shown. */
function useStill(scroller: HTMLDivElement | null, rows: readonly Row<JobItem>[], resets: string): void {
  const seen = useRef<Sight | null>(null);
  const before = useRef(resets);
  const latest = useRef(rows);
  useLayoutEffect(() => {
    if (left.resets === before.current) seen.current = left.seen;
    return () => {
      left = { resets: before.current, seen: seen.current };
    };
  }, []);
  useEffect(() => {
    if (!scroller) return;
    const look = () => {
      const top = scroller.scrollTop;
      const row = latest.current[Math.floor(top / ROW_PX)];
      seen.current = row && top > 0 ? { key: row.key, offset: top % ROW_PX } : null;
    };
    scroller.addEventListener("scroll", look, { passive: true });
    return () => scroller.removeEventListener("scroll", look);
  }, [scroller]);
  useLayoutEffect(() => {
    latest.current = rows;
    if (!scroller) return;
    if (before.current !== resets) {
      before.current = resets;
      seen.current = null;
      scroller.scrollTo({ top: 0 });
      return;
    }
    if (!seen.current) return;
    const { key, offset } = seen.current;
    const index = rows.findIndex((row) => row.key === key);
    const wanted = index * ROW_PX + offset;
    if (index >= 0 && Math.abs(scroller.scrollTop - wanted) > 0.5) scroller.scrollTo({ top: wanted });
  }, [scroller, rows, resets]);
}

interface HeadProps {
  column: Pick<Column, "id" | "label" | "isNumber">;
  sort: Sort | null;
  onSort: (text: string) => void;
  children?: ReactNode;
}

function Head({ column, sort, onSort, children }: HeadProps) {
  const isSorted = sort?.by === column.id;
  const way = isSorted ? (sort.isFalling ? "descending" : "ascending") : undefined;
  return (
    <th scope="col" className={column.isNumber ? "number" : ""} aria-sort={way} title={column.label}>
      <span className="head">
        {children}
        <button className="sort" onClick={() => onSort(nextSort(sort, column))}>
          <span className="head-label">{column.label}</span>
          <span aria-hidden="true">{way ? (way === "ascending" ? " ↑" : " ↓") : ""}</span>
        </button>
      </span>
    </th>
  );
}

interface LineProps {
  row: Row<JobItem>;
  /** Its row of the whole table, heads included, from 1. */
  place: number;
  columns: readonly Column[];
  ticked: number;
  onTick: (key: string, isTicked: boolean, isRange: boolean) => void;
  onToggle: (key: string) => void;
}

const Line = memo(function Line({ row, place, columns, ticked, onTick, onToggle }: LineProps) {
  const [only] = row.jobs;
  const isGroup = row.isOpen !== null;
  // Jobs of a sweep are named by what the label says already.
  const name = isGroup || !only || only.sweep_id ? "" : only.name;
  const kind = isGroup ? "group" : row.depth ? "member" : "single";
  return (
    <tr className={`${kind} ${ticked ? "ticked" : ""}`} aria-rowindex={place}>
      <th scope="row">
        <span className="first-cell">
          <Tick
            label={isGroup ? `Tick the ${row.jobs.length} jobs of ${row.label}` : `Tick ${row.label}`}
            ticked={ticked}
            of={row.jobs.length}
            onChange={(isTicked, isRange) => onTick(row.key, isTicked, isRange)}
          />
          {isGroup ? (
            <button
              className="expand"
              aria-expanded={row.isOpen === true}
              title={row.label}
              onClick={() => onToggle(row.key)}
            >
              <span className="arrow" aria-hidden="true">
                {row.isOpen ? "▾" : "▸"}
              </span>
              <PolicyMark policy={row.policy} strength={strengthOf(row.ratio)} />
              <span className="cut">{row.label}</span>
              <span className="quiet">{row.jobs.length}</span>
            </button>
          ) : (
            <span className="job-cell">
              {row.depth === 0 && <PolicyMark policy={row.policy} strength={strengthOf(row.ratio)} />}
              <Link to={`/jobs/${row.key}`} className="cut" title={name ? `${row.label} · ${name}` : row.label}>
                {row.label}
              </Link>
              {name && (
                <bdi className="cut quiet" title={name}>
                  {name}
                </bdi>
              )}
            </span>
          )}
        </span>
      </th>
      {columns.map((column) => {
        const { text, title, raw } = column.of(row.jobs);
        const isState = only && column.id === "state" && text === only.state;
        const tone = text === "baseline" || raw === null ? "quiet" : Number.isNaN(raw) ? "odd" : "";
        return (
          <td key={column.id} className={`${column.isNumber ? "number" : ""} ${tone}`} title={title ?? text}>
            {isState ? <StateBadge state={only.state} wish={isGroup ? null : only.wish} /> : <bdi>{text}</bdi>}
          </td>
        );
      })}
    </tr>
  );
});
