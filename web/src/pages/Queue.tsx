/* What waits, in the order it would start, and who does the work. */

import { useQueue, useWorkers } from "../api/queries";
import { Link } from "../components/Link";
import { Failed, Loading } from "../components/States";
import { ago, bytes, count, several, soon } from "../lib/format";

export function QueuePage() {
  return (
    <article className="page">
      <Waiting />
      <Workers />
    </article>
  );
}

function Waiting() {
  const queue = useQueue();
  if (queue.isPending) return <Loading what="the queue" />;
  if (queue.isError) return <Failed error={queue.error} onRetry={() => void queue.refetch()} />;
  const { items, next } = queue.data;
  return (
    <section aria-labelledby="waiting">
      <header className="page-head">
        <div>
          <p className="over">Queue</p>
          <h1 id="waiting">
            {items.length === 0 ? "Nothing waits" : `${several(items.length, "job")}${next ? " and more" : ""} waiting`}
          </h1>
        </div>
      </header>
      {items.length === 0 ? (
        <p className="quiet">
          No job is waiting for a worker. <Link to="/new">Submit one</Link>.
        </p>
      ) : (
        <div className="card table">
          <table>
            <thead>
              <tr>
                <th className="number">#</th>
                <th>Job</th>
                <th className="number">Priority</th>
                <th>Owner</th>
                <th>Queued</th>
                <th>Waits for</th>
                <th>Starts</th>
              </tr>
            </thead>
            <tbody>
              {items.map((item) => (
                <tr key={item.job}>
                  <td className="number">{item.position}</td>
                  <td>
                    <Link to={`/jobs/${item.job}`}>{item.name || item.job}</Link>
                  </td>
                  <td className="number">{count(item.priority)}</td>
                  <td>{item.owner}</td>
                  <td>{ago(item.queued_at)}</td>
                  <td>{item.waits_for ?? "its turn"}</td>
                  <td>{soon(item.starts_at)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Workers() {
  const workers = useWorkers();
  if (workers.isPending) return <Loading what="the workers" />;
  if (workers.isError) return <Failed error={workers.error} onRetry={() => void workers.refetch()} />;
  const { items } = workers.data;
  return (
    <section aria-labelledby="workers">
      <h2 id="workers" className="section">
        Workers
      </h2>
      {items.length === 0 ? (
        <p className="quiet">
          No worker is here, so nothing will start. <code>colrow up</code> starts one, and <code>colrow worker</code>{" "}
          adds more.
        </p>
      ) : (
        <div className="card table">
          <table>
            <thead>
              <tr>
                <th>Worker</th>
                <th>State</th>
                <th>Devices</th>
                <th className="number">Threads</th>
                <th className="number">Memory</th>
                <th>Job</th>
                <th>Heartbeat</th>
              </tr>
            </thead>
            <tbody>
              {items.map((worker) => (
                <tr key={worker.name}>
                  <td>{worker.name}</td>
                  <td>
                    <span className={`badge worker-${worker.state}`}>{worker.state}</span>
                  </td>
                  <td title={[...new Set(worker.hardware.map((one) => one.name ?? "unknown"))].join(", ")}>
                    {worker.devices.join(", ")}
                  </td>
                  <td className="number">{worker.threads}</td>
                  <td className="number">
                    {bytes(worker.memory_used_bytes)} of {bytes(worker.memory_bytes)}
                  </td>
                  <td>{worker.job ? <Link to={`/jobs/${worker.job}`}>{worker.job.slice(0, 13)}…</Link> : "–"}</td>
                  <td>{ago(worker.heartbeat_at)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
