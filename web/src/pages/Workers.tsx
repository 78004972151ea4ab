/* Who does the work, on what, and for whom. */

import { useEffect, useState } from "react";

import type { Schemas } from "../api/client";
import { useUsage } from "../api/people";
import { useJob, useQueue, useWorkers } from "../api/queries";
import { Link } from "../components/Link";
import { ProgressBar } from "../components/Marks";
import { Failed, Loading } from "../components/States";
import { Switch } from "../components/Switch";
import { ago, bytes, count, duration, large, metric as asMetric, percent, several } from "../lib/format";
import { conditionOf, fleetInWords, ranked, wanted } from "../lib/fleet";
import { useParam } from "../lib/url";

type Worker = Schemas["Worker"];

export function WorkersPage() {
  return (
    <article className="page workers">
      <Fleet />
      <Usage />
    </article>
  );
}

/** The time, again every few seconds: heartbeats grow old without anybody telling. */
function useNow(every_ms: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every_ms);
    return () => clearInterval(timer);
  }, [every_ms]);
  return now;
}

function Fleet() {
  const workers = useWorkers();
  // By the service's clock, which heartbeats are told by.
  const now = useNow(2000) + (workers.data?.ahead_ms ?? 0);
  const queue = useQueue();
  if (workers.isPending) return <Loading what="the workers" />;
  if (workers.isLoadingError) return <Failed error={workers.error} onRetry={() => void workers.refetch()} />;
  const { items } = workers.data;
  const waiting = queue.data?.items ?? [];
  const wants = wanted(waiting);
  const hasQueue = waiting.some((job) => job.waits_for === null);
  return (
    <section aria-labelledby="workers">
      <header className="page-head">
        <div>
          <p className="over">
            <Link to="/queue">Queue</Link> · {several(waiting.length, "job")}
            {queue.data?.next ? " and more" : ""} waiting
          </p>
          <h1 id="workers">{fleetInWords(items, now)}</h1>
        </div>
      </header>
      {wants.length > 0 && (
        <div className="banner">
          <b>Not here</b>
          <ul>
            {wants.map(([what, jobs]) => (
              <li key={what}>
                {several(jobs, "job")} {jobs === 1 ? "waits" : "wait"} for: {what}
              </li>
            ))}
          </ul>
        </div>
      )}
      {items.length === 0 ? (
        <NoWorker />
      ) : (
        <ul className="fleet">
          {ranked(items, now).map((worker) => (
            <Slot key={worker.name} worker={worker} now={now} hasQueue={hasQueue} />
          ))}
        </ul>
      )}
    </section>
  );
}

function NoWorker() {
  return (
    <div className="card block">
      <p>Nothing will start until a worker is here. On this machine, service and worker together:</p>
      <pre className="code command" tabIndex={0} aria-label="Command for service and worker">
        colrow up
      </pre>
      <p>A further worker, here or on another machine that reaches the same database and broker:</p>
      <pre className="code command" tabIndex={0} aria-label="Command for a further worker">
        colrow worker
      </pre>
    </div>
  );
}

function Slot({ worker, now, hasQueue }: { worker: Worker; now: number; hasQueue: boolean }) {
  const condition = conditionOf(worker, now);
  const used = worker.memory_used_bytes;
  const all = worker.memory_bytes;
  return (
    <li className={`card slot ${condition}`}>
      <p className="slot-head">
        <b className="cut" title={worker.name}>
          {worker.name}
        </b>
        <span className={`badge worker-${condition}`}>{condition}</span>
      </p>
      <p className="quiet slot-small">{devicesOf(worker)}</p>
      {condition === "lost" && (
        <p className="slot-why bad">No heartbeat for longer than its lease: what it ran is given to another worker.</p>
      )}
      {condition === "late" && <p className="slot-why">Its heartbeat is late: the machine is overloaded, or away.</p>}
      {worker.job && <Running id={worker.job} attempt={worker.attempt} />}
      {condition === "idle" && (
        <p className="quiet slot-small">{hasQueue ? "Takes its next job in a moment." : "Waits for a job that it can run."}</p>
      )}
      <dl className="slot-facts">
        <div>
          <dt>Heartbeat</dt>
          <dd>{ago(worker.heartbeat_at, now)}</dd>
        </div>
        <div>
          <dt>Memory</dt>
          <dd>{used === null ? bytes(all) : `${bytes(used)} of ${bytes(all)}`}</dd>
        </div>
        <div>
          <dt>Threads</dt>
          <dd>{worker.threads}</dd>
        </div>
        <div>
          <dt>Here for</dt>
          <dd>{duration((now - Date.parse(worker.started_at)) / 1000)}</dd>
        </div>
        <div className="whole">
          <dt>Data sets</dt>
          <dd>{worker.datasets === null ? "fetches any when needed" : worker.datasets.join(", ") || "none"}</dd>
        </div>
        {worker.device_use.map((one) => (
          <div key={one.device}>
            <dt>{one.device} in use</dt>
            <dd>
              {percent(one.utilization, 0)}
              {one.memory_used_bytes !== null && `, ${bytes(one.memory_used_bytes)} of ${bytes(one.memory_bytes)}`}
            </dd>
          </div>
        ))}
        <div className="whole">
          <dt>Versions</dt>
          <dd>{versionsOf(worker)}</dd>
        </div>
        <div className="whole">
          <dt>Process</dt>
          <dd>
            {worker.pid} on {worker.host}
          </dd>
        </div>
      </dl>
      {used !== null && all !== null && all > 0 && (
        <div className="memory" title={`${percent(used / all, 0)} of the memory`}>
          <div style={{ width: `${Math.min(100, (100 * used) / all)}%` }} />
        </div>
      )}
    </li>
  );
}

/** 2 × NVIDIA H100 (cuda:0, cuda:1); just the devices where nothing tells what they are. */
function devicesOf({ devices, hardware }: Worker): string {
  const names = hardware.flatMap((one) => one.name ?? []);
  const said = [...new Set(names)].map((name) => {
    const n = names.filter((one) => one === name).length;
    return n > 1 ? `${n} × ${name}` : name;
  });
  return said.length ? `${said.join(", ")} (${devices.join(", ")})` : devices.join(", ");
}

function versionsOf({ versions }: Worker): string {
  const said = Object.entries(versions ?? {}).map(([name, version]) => `${name} ${version}`);
  return said.join(", ") || "not told";
}

function Running({ id, attempt }: { id: string; attempt: number | null }) {
  const job = useJob(id);
  const { step = 0, of = null, eta_s = null } = job.data?.progress ?? {};
  return (
    <div className="slot-job">
      <p className="cut">
        <Link to={`/jobs/${id}`}><bdi>{job.data?.name || id}</bdi></Link>
        {job.data && <span className="quiet"> · {job.data.owner}</span>}
      </p>
      {of !== null && <ProgressBar done={step / of} label={`Progress of ${job.data?.name || id}`} />}
      <p className="quiet slot-small">
        {of === null ? "Starting" : `step ${count(step)} of ${count(of)}`}
        {eta_s !== null && `, ${duration(eta_s)} left`}
        {attempt !== null && attempt > 1 && ` · attempt ${attempt}`}
      </p>
    </div>
  );
}

const SINCE = [
  { value: "7", label: "7 days" },
  { value: "30", label: "30 days" },
  { value: "all", label: "All" },
] as const;
type Since = (typeof SINCE)[number]["value"];

/** The day so many days before a time, in UTC, as 2030-01-31. */
const dayBefore = (days: number, now: number) => new Date(now - days * 86_400_000).toISOString().slice(0, 10);

/** Device-hours by user: used, and saved. */
function Usage() {
  const [chosen, setSince] = useParam("since", "30");
  const since = SINCE.find((one) => one.value === chosen)?.value ?? "30";
  const [now] = useState(() => Date.now());
  const usage = useUsage(since === "all" ? "" : dayBefore(Number(since), now));
  const items = usage.data?.items ?? [];
  return (
    <section aria-labelledby="usage">
      <header className="page-head">
        <h2 id="usage" className="section">
          Who used what
        </h2>
        <Switch<Since> legend="Since" name="since" options={SINCE} value={since} onChange={setSince} />
      </header>
      {usage.isPending && <Loading what="the usage" />}
      {usage.isLoadingError && <Failed error={usage.error} onRetry={() => void usage.refetch()} />}
      {usage.data && items.length === 0 && <p className="quiet">Nobody used a device in this time.</p>}
      {items.length > 0 && (
        <div className="card table" tabIndex={0} role="group" aria-labelledby="usage">
          <table>
            <thead>
              <tr>
                <th>User</th>
                <th>Devices</th>
                <th className="number">Device-hours</th>
                <th className="number">Attempts</th>
                <th className="number">MACs saved</th>
                <th className="number">Device-hours saved</th>
              </tr>
            </thead>
            <tbody>
              {items.map((used) => (
                <tr key={`${used.user}/${used.kind}`}>
                  <td>{used.user}</td>
                  <td>{used.kind}</td>
                  <td className="number">{hours(used.device_s)}</td>
                  <td className="number">{count(used.attempts)}</td>
                  <td className="number">
                    {large(used.saved_macs)} · {percent(used.exact_macs > 0 ? used.saved_macs / used.exact_macs : null)}
                  </td>
                  <td className="number">
                    {used.saved_device_s === null
                      ? "not measured"
                      : `${hours(used.saved_device_s)} in ${several(used.compared_jobs, "job")}`}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {items.length > 0 && (
        <p className="quiet note">
          Hours are saved where a job beat the exact one of its sweep on the same kind of device, both alone on it; below
          zero, sampling took longer.
        </p>
      )}
    </section>
  );
}

/** 5400 -> 1.5; a few seconds are not nothing. */
function hours(seconds: number): string {
  const found = seconds / 3600;
  if (found > 0 && found < 0.001) return "under 0.001";
  return asMetric(Number(found.toFixed(3)));
}
