/* The jobs, always visible: which sweep, which of them, how far they are. */

import { useEffect, useMemo, useRef, useState } from "react";

import type { JobItem } from "../api/client";
import { useJobs, useSweeps } from "../api/queries";
import { ago, count, duration, isolated } from "../lib/format";
import { measureOf, measured } from "../lib/measures";
import { strengthOf } from "../lib/policies";
import { howApart } from "../lib/specs";
import type { How } from "../lib/specs";
import { isStudy } from "../lib/studies";
import { QUALITY } from "../lib/tasks";
import { chosenIds, rangeOf, withMany } from "../lib/choice";
import { GROUPINGS, entriesOf } from "../lib/listing";
import { topsOf } from "../lib/shown";
import { SEARCH_RESTS_MS, useSlow } from "../lib/slow";
import { navigate, useParam } from "../lib/url";
import { Link } from "./Link";
import { PolicyMark, ProgressBar, StateBadge } from "./Marks";
import { Failed, Loading } from "./States";
import { Tick } from "./Tick";
import { Ticked } from "./Ticked";
import { useShown } from "./useShown";

const ROW_PX = 58;
const HEAD_PX = 32;
/** Rows that are in the page beyond either edge. */
const OVER = 8;
/** What a job is judged by; it has one of them. */
const RESULTS = Object.values(QUALITY).map((quality) => `best_test_${quality}`);
const STATES = ["queued", "running", "paused", "succeeded", "failed", "cancelled"];

export function JobList({ openJob }: { openJob: string | null }) {
  const [sweep] = useParam("sweep");
  const [typed, setText] = useParam("q");
  const text = useSlow(typed, SEARCH_RESTS_MS);
  const [state, setState] = useParam("state");
  const [by, setBy] = useParam("by");
  const [chosen, setChosen] = useParam("jobs");
  const sweeps = useSweeps();
  const jobs = useJobs({ sweep, text, state });
  const items = useMemo(() => jobs.data?.pages.flatMap((page) => page.items) ?? [], [jobs.data]);
  const told = useMemo(() => howApart(items.map((job) => job.spec)), [items]);
  const names = useMemo(
    () => new Map(sweeps.data?.items.map((one) => [one.id, one.name || "sweep without a name"])),
    [sweeps.data],
  );
  const entries = useMemo(() => entriesOf(items, by, names), [items, by, names]);
  const [scroller, setScroller] = useState<HTMLDivElement | null>(null);
  const tops = useMemo(() => topsOf(entries.map((entry) => (entry.kind === "head" ? HEAD_PX : ROW_PX))), [entries]);
  const [first, end] = useShown(scroller, tops, OVER);
  const { hasNextPage, isFetching, isError, fetchNextPage } = jobs;

  useEffect(() => {
    if (end >= entries.length - 20 && hasNextPage && !isFetching && !isError) void fetchNextPage();
  }, [end, entries.length, hasNextPage, isFetching, isError, fetchNextPage]);

  const ids = chosenIds(chosen);
  const ticked = new Set(ids);
  const listed = items.map((job) => job.id);
  const shownTicked = listed.filter((id) => ticked.has(id)).length;
  // With Shift, the rows from the one that was ticked before to this one.
  const before = useRef<string | null>(null);
  const tick = (id: string, isTicked: boolean, isRange: boolean) => {
    const order = entries.flatMap((entry) => (entry.kind === "job" ? entry.key : []));
    setChosen(withMany(ids, isRange ? rangeOf(order, before.current, id) : [id], isTicked));
    before.current = id;
  };
  const filtered = Boolean(sweep || text || state);
  return (
    <aside className="jobs" aria-label="Jobs">
      <div className="jobs-head">
        <label className="visually-hidden" htmlFor="sweep">
          Sweep
        </label>
        <select
          id="sweep"
          value={sweep}
          onChange={(event) => navigate(null, { sweep: event.target.value || null, jobs: null })}
        >
          <option value="">All jobs</option>
          {sweeps.data?.items.map((one) => (
            <option key={one.id} value={one.id}>
              {isolated(one.name || "sweep")} · {ago(one.created_at)}
            </option>
          ))}
        </select>
        <div className="jobs-filter">
          <input
            id="search"
            type="search"
            placeholder="Search   /"
            aria-label="Search jobs by name or id"
            value={typed}
            onChange={(event) => setText(event.target.value || null)}
          />
          <select aria-label="State" value={state} onChange={(event) => setState(event.target.value || null)}>
            <option value="">any state</option>
            {STATES.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </div>
        <div className="jobs-all">
          <label className="check">
            <Tick
              label="Tick all shown"
              ticked={shownTicked}
              of={listed.length}
              onChange={(isTicked) => setChosen(withMany(ids, listed, isTicked))}
            />
            all shown
          </label>
          <select aria-label="Group the list" value={by} onChange={(event) => setBy(event.target.value || null)}>
            {GROUPINGS.map((one) => (
              <option key={one.value} value={one.value}>
                {one.label}
              </option>
            ))}
          </select>
        </div>
      </div>
      <div className="jobs-rows" ref={setScroller}>
        {jobs.isPending && <Loading what="jobs" />}
        {isError && !jobs.data && <Failed error={jobs.error} onRetry={() => void jobs.refetch()} />}
        {jobs.isSuccess && items.length === 0 && (
          <p className="quiet pad">
            {filtered ? "No job fits this search." : "No jobs yet. Begin with New job, or run make demo."}
          </p>
        )}
        <ol style={{ height: `${tops.at(-1)}px` }}>
          {entries.slice(first, end).map((entry, i) => {
            const height = entry.kind === "head" ? HEAD_PX : ROW_PX;
            const place = { transform: `translateY(${tops[first + i]}px)`, height: `${height}px` };
            if (entry.kind === "head") {
              return (
                <li key={entry.key} style={place} className="part">
                  <Tick
                    label={`Tick the jobs of ${entry.label}`}
                    ticked={entry.ids.filter((id) => ticked.has(id)).length}
                    of={entry.ids.length}
                    onChange={(isTicked) => setChosen(withMany(ids, entry.ids, isTicked))}
                  />
                  {by === "policy" && <PolicyMark policy={entry.label} />}
                  <span className="cut" title={entry.label}>
                    {entry.label}
                  </span>
                  <span className="quiet">
                    {count(entry.ids.length)}
                    {hasNextPage ? "+" : ""}
                  </span>
                </li>
              );
            }
            const job = items[entry.place];
            const how = told[entry.place];
            if (!job || !how) return null;
            return (
              <li key={entry.key} style={place}>
                <Row
                  job={job}
                  how={how}
                  open={job.id === openJob}
                  chosen={ticked.has(job.id)}
                  onChoose={(isTicked, isRange) => tick(job.id, isTicked, isRange)}
                />
              </li>
            );
          })}
        </ol>
      </div>
      <p className="jobs-foot quiet" hidden={!jobs.data}>
        {count(items.length)}
        {hasNextPage ? "+" : ""} {items.length === 1 ? "job" : "jobs"}
        {ids.length === 0 && " · tick some to compare just those"}
      </p>
      <Ticked ids={ids} items={items} openJob={openJob} />
    </aside>
  );
}

interface RowProps {
  job: JobItem;
  how: How;
  open: boolean;
  chosen: boolean;
  onChoose: (isTicked: boolean, isRange: boolean) => void;
}

function Row({ job, how, open, chosen, onChoose }: RowProps) {
  const { policy, words: title, ratio } = how;
  const { step, of, eta_s } = job.progress;
  // Jobs of a sweep are named by what the title says already.
  const about = [job.sweep_id ? "" : isolated(job.name), isStudy(job) ? "study" : job.model, job.dataset].filter(Boolean).join(" · ");
  const [quality = ""] = RESULTS.filter((name) => typeof job.summary[name]?.last === "number");
  return (
    <div className={`job ${open ? "open" : ""}`}>
      <Tick label={`Choose ${title}, seed ${job.seed}`} ticked={chosen ? 1 : 0} of={1} onChange={onChoose} />
      <Link to={`/jobs/${job.id}`} className="job-link" current={open}>
        <span className="job-title">
          <PolicyMark policy={policy} strength={strengthOf(ratio)} />
          <span className="cut" title={title}>
            {title}
          </span>
          <StateBadge state={job.state} wish={job.wish} brief />
        </span>
        <span className="job-sub">
          <span className="cut" title={about}>
            {about}
          </span>
          <span className="fixed">seed {job.seed}</span>
          <span className="number">
            {job.state === "running" && of
              ? `${duration(eta_s)} left`
              : quality
                ? measured(measureOf(quality), job.summary[quality]?.last)
                : ""}
          </span>
        </span>
        {job.state === "running" && of !== null && <ProgressBar done={step / of} label={`Progress of ${title}`} />}
      </Link>
    </div>
  );
}
