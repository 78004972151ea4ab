/* What waits, in the order it would start, and who does the work. */

import { useQueue, useWorkers } from "../api/queries";
import { Link } from "../components/Link";
import { Failed, Loading } from "../components/States";
import { fleetInWords } from "../lib/fleet";
import { ago, count, several, soon } from "../lib/format";

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
  if (queue.isLoadingError) return <Failed error={queue.error} onRetry={() => void queue.refetch()} />;
  const { items, next } = queue.data;
  return (
    <section aria-labelledby="waiting">
      <header className="page-head">
        <div>
          <p className="over">
            Queue · <Link to="/workers">Workers</Link>
          </p>
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
        <div className="card table queue" tabIndex={0} role="group" aria-labelledby="waiting">
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
                  <td className="name">
                    <Link to={`/jobs/${item.job}`} title={item.name}>
                      <bdi>{item.name || item.job}</bdi>
                    </Link>
                  </td>
                  <td className="number">{count(item.priority)}</td>
                  <td>{item.owner}</td>
                  <td>{ago(item.queued_at)}</td>
                  <td className="wraps">{item.waits_for ?? "its turn"}</td>
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

/** How many there are to do the work, and whether any needs a look. */
function Workers() {
  const workers = useWorkers();
  // Read again every few seconds, so the time of the answer is near enough.
  const now = workers.dataUpdatedAt + (workers.data?.ahead_ms ?? 0);
  return (
    <section aria-labelledby="workers">
      <div className="section-row">
        <h2 id="workers" className="section">
          Workers
        </h2>
        <Link to="/workers" className="link">
          Devices, heartbeats and usage
        </Link>
      </div>
      {workers.isPending && <Loading what="the workers" />}
      {workers.isLoadingError && <Failed error={workers.error} onRetry={() => void workers.refetch()} />}
      {workers.data && workers.data.items.length === 0 && (
        <p className="quiet">
          No worker is here, so nothing will start. <code>colrow up</code> starts one, and <code>colrow worker</code>{" "}
          adds more.
        </p>
      )}
      {workers.data && workers.data.items.length > 0 && <p>{fleetInWords(workers.data.items, now)}.</p>}
    </section>
  );
}
