/* What is on record of a job: its layers, what was asked, how its attempts went, what files it left. */

import { useMemo, useState } from "react";

import type { Job } from "../api/client";
import { useLayers } from "../api/queries";
import { checkpointAddress, useCheckpoints } from "../api/records";
import { Link } from "../components/Link";
import { Loading, PartFailed } from "../components/States";
import { NO_COPY, copy } from "../lib/clipboard";
import { ago, bytes, count, duration, plain, several } from "../lib/format";
import { findings, isExact } from "../lib/layering";
import { LayerAnswer, LayerPicture, LayerTable } from "./LayerViews";

export function Layers({ job }: { job: Job }) {
  const layers = useLayers(job.id);
  const rows = useMemo(() => layers.data?.items ?? [], [layers.data]);
  const found = useMemo(() => findings(rows), [rows]);
  const exact = rows.length > 0 && isExact(rows);
  return (
    <section className="layers" aria-labelledby="layers">
      <div className="section-row">
        <h2 id="layers" className="section">
          Layers
        </h2>
        <Link to="/layers" changes={{ job: job.id }} className="link">
          On a page of their own
        </Link>
      </div>
      {layers.isPending && <Loading what="the layers" />}
      {layers.isError && <PartFailed error={layers.error} />}
      {layers.data && rows.length === 0 && <p className="quiet">Rows appear with the job's first report.</p>}
      {exact && <p className="quiet">This job is exact: every product keeps all of its pairs.</p>}
      {rows.length > 0 && !exact && (
        <>
          <p>
            <LayerAnswer found={found} />
          </p>
          <LayerPicture rows={rows} />
          <LayerTable rows={rows} />
        </>
      )}
    </section>
  );
}

/** Files of the job's state, to go on from or to keep. */
export function Checkpoints({ id }: { id: string }) {
  const checkpoints = useCheckpoints(id);
  const items = checkpoints.data?.items ?? [];
  return (
    <section aria-labelledby="checkpoints">
      <h2 id="checkpoints" className="section">
        Checkpoints
      </h2>
      {checkpoints.isPending && <Loading what="the checkpoints" />}
      {checkpoints.isError && <PartFailed error={checkpoints.error} />}
      {checkpoints.data && items.length === 0 && (
        <p className="quiet">None is kept. A job saves one as it goes, and when it is paused or stopped.</p>
      )}
      {items.length > 0 && (
        <div className="card table">
          <table>
            <thead>
              <tr>
                <th className="number">Step</th>
                <th>Kept as</th>
                <th className="number">Attempt</th>
                <th className="number">Size</th>
                <th>Saved</th>
                <th>SHA-256</th>
                <th>File</th>
              </tr>
            </thead>
            <tbody>
              {items.map((file, i) => (
                <tr key={file.id}>
                  <td className="number">{count(file.step)}</td>
                  <td>
                    {i === 0 && <span className="badge">latest</span>}{" "}
                    {file.best && <span className="badge best">best validation</span>}
                    {i > 0 && !file.best && <span className="quiet">spare</span>}
                  </td>
                  <td className="number">{file.attempt}</td>
                  <td className="number">{bytes(file.size_bytes)}</td>
                  <td title={new Date(file.created_at).toLocaleString()}>{ago(file.created_at)}</td>
                  <td title={file.sha256}>
                    <code>{file.sha256.slice(0, 12)}…</code>
                  </td>
                  <td>
                    <a href={checkpointAddress(id, file.id)} download={file.name} className="link">
                      Download {file.name}
                    </a>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

export function SpecView({ job }: { job: Job }) {
  const [copied, setCopied] = useState<boolean | null>(null);
  const text = JSON.stringify(job.spec, (_key, value: unknown) => (value === null ? undefined : value), 2);
  return (
    <section aria-labelledby="spec">
      <h2 id="spec" className="section">
        Spec
        <button className="link" onClick={() => void copy(text).then(setCopied)}>
          {copied ? "Copied" : "Copy"}
        </button>
      </h2>
      {copied === false && (
        <p className="quiet" role="status">
          {NO_COPY}
        </p>
      )}
      <pre className="card code" tabIndex={0} aria-labelledby="spec">
        {text}
      </pre>
    </section>
  );
}

/** An attempt that gave way is lost to the job, but nothing was lost with it. */
function Outcome({ attempt }: { attempt: Job["attempts"][number] }) {
  const gaveWay = attempt.reason?.kind === "preempted";
  return <span className={`badge ${gaveWay ? "paused" : attempt.state}`}>{gaveWay ? "gave way" : attempt.state}</span>;
}

export function Attempts({ job }: { job: Job }) {
  return (
    <section aria-labelledby="attempts">
      <h2 id="attempts" className="section">
        Attempts
      </h2>
      {job.attempts.length === 0 && <p className="quiet">No worker has taken this job yet.</p>}
      {job.attempts.map((attempt) => (
        <div key={attempt.number} className="card attempt">
          <p>
            <b>Attempt {attempt.number}</b> <Outcome attempt={attempt} />
          </p>
          <p className="quiet">
            {attempt.worker} on {attempt.host} · {deviceOf(attempt)}
            {attempt.threads !== null && ` · ${several(attempt.threads, "thread")}`} · started {ago(attempt.started_at)}
            {attempt.finished_at &&
              ` · took ${duration((Date.parse(attempt.finished_at) - Date.parse(attempt.started_at)) / 1000)}`}
            {attempt.resumed_from && ` · went on from ${attempt.resumed_from}, step ${count(attempt.start_step)}`}
            {attempt.versions?.torch && ` · torch ${attempt.versions.torch}`}
            {attempt.shared && " · others ran beside it"}
          </p>
          {attempt.environment && <Surroundings attempt={attempt} />}
          {attempt.reason && <p>{attempt.reason.message}</p>}
          {attempt.notes.map((note) => (
            <p key={note}>{note}</p>
          ))}
        </div>
      ))}
    </section>
  );
}

type Attempt = Job["attempts"][number];

function deviceOf({ device, device_name, device_count }: Attempt): string {
  const name = device_name ?? device ?? "no device yet";
  return device_count !== null && device_count > 1 ? `${device_count} × ${name}` : name;
}

/** All that was recorded of where it ran. */
function Surroundings({ attempt }: { attempt: Attempt }) {
  const facts = {
    ...attempt.versions,
    ...(attempt.git_revision ? { "git revision": attempt.git_revision } : {}),
    ...attempt.environment,
    ...(attempt.start_s === null ? {} : { "trainer ready after": `${plain(attempt.start_s, 2)} s` }),
  };
  return (
    <details>
      <summary>Versions, system and variables</summary>
      <dl>
        {Object.entries(facts).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
