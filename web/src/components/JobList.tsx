/* The jobs, always visible: which sweep, which of them, how far they are. */

import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef } from "react";

import type { JobItem } from "../api/client";
import { useJobs, useSweeps } from "../api/queries";
import { ago, count, duration, several } from "../lib/format";
import { measureOf, measured } from "../lib/measures";
import { howApart } from "../lib/specs";
import type { How } from "../lib/specs";
import { isStudy } from "../lib/studies";
import { QUALITY } from "../lib/tasks";
import { chosenIds, withChosen } from "../lib/choice";
import { navigate, useParam } from "../lib/url";
import { Link } from "./Link";
import { PolicyMark, ProgressBar, StateBadge } from "./Marks";
import { Failed, Loading } from "./States";

const ROW_PX = 58;
/** What a job is judged by; it has one of them. */
const RESULTS = Object.values(QUALITY).map((quality) => `best_test_${quality}`);
const STATES = ["queued", "running", "paused", "succeeded", "failed", "cancelled"];

export function JobList({ openJob }: { openJob: string | null }) {
  const [sweep] = useParam("sweep");
  const [text, setText] = useParam("q");
  const [state, setState] = useParam("state");
  const [chosen, setChosen] = useParam("jobs");
  const sweeps = useSweeps();
  const jobs = useJobs({ sweep, text, state });
  const items = useMemo(() => jobs.data?.pages.flatMap((page) => page.items) ?? [], [jobs.data]);
  const told = useMemo(() => howApart(items.map((job) => job.spec)), [items]);
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 8,
  });
  const shown = rows.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = jobs;

  useEffect(() => {
    if (last >= items.length - 20 && hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [last, items.length, hasNextPage, isFetchingNextPage, fetchNextPage]);

  const ids = chosenIds(chosen);
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
              {one.name || "sweep"} · {ago(one.created_at)}
            </option>
          ))}
        </select>
        <div className="jobs-filter">
          <input
            id="search"
            type="search"
            placeholder="Search   /"
            aria-label="Search jobs by name or id"
            value={text}
            onChange={(event) => setText(event.target.value || null)}
          />
          <select aria-label="State" value={state} onChange={(event) => setState(event.target.value || null)}>
            <option value="">any state</option>
            {STATES.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </div>
        {ids.length > 0 && (
          <p className="chosen">
            {several(ids.length, "job")} chosen
            <button className="link" onClick={() => setChosen(null)}>
              Clear
            </button>
          </p>
        )}
      </div>
      <div className="jobs-rows" ref={scroller}>
        {jobs.isPending && <Loading what="jobs" />}
        {jobs.isError && <Failed error={jobs.error} onRetry={() => void jobs.refetch()} />}
        {jobs.isSuccess && items.length === 0 && (
          <p className="quiet pad">
            {filtered ? "No job fits this search." : "No jobs yet. Begin with New job, or run make demo."}
          </p>
        )}
        <ol style={{ height: `${rows.getTotalSize()}px` }}>
          {shown.map((row) => {
            const job = items[row.index];
            const how = told[row.index];
            if (!job || !how) return null;
            return (
              <li key={job.id} style={{ transform: `translateY(${row.start}px)` }}>
                <Row
                  job={job}
                  how={how}
                  open={job.id === openJob}
                  chosen={ids.includes(job.id)}
                  onChoose={() => setChosen(withChosen(ids, job.id))}
                />
              </li>
            );
          })}
        </ol>
      </div>
      <p className="jobs-foot quiet">
        {count(items.length)}
        {hasNextPage ? "+" : ""} {items.length === 1 ? "job" : "jobs"} · tick some to compare just those
      </p>
    </aside>
  );
}

interface RowProps {
  job: JobItem;
  how: How;
  open: boolean;
  chosen: boolean;
  onChoose: () => void;
}

function Row({ job, how, open, chosen, onChoose }: RowProps) {
  const { policy, words: title } = how;
  const { step, of, eta_s } = job.progress;
  // Jobs of a sweep are named by what the title says already.
  const about = [job.sweep_id ? "" : job.name, isStudy(job) ? "study" : job.model, job.dataset].filter(Boolean).join(" · ");
  const [quality = ""] = RESULTS.filter((name) => typeof job.summary[name]?.last === "number");
  return (
    <div className={`job ${open ? "open" : ""}`}>
      <input type="checkbox" checked={chosen} onChange={onChoose} aria-label={`Choose ${title}, seed ${job.seed}`} />
      <Link to={`/jobs/${job.id}`} className="job-link" current={open}>
        <span className="job-title">
          <PolicyMark policy={policy} />
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
