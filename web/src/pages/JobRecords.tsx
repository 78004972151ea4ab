/* What is on record of a job: layers, spec, attempts, log. */

import { useEffect, useRef, useState } from "react";

import type { Job } from "../api/client";
import { useLayers, useLog } from "../api/queries";
import { PolicyMark } from "../components/Marks";
import { Failed, Loading } from "../components/States";
import { ago, count, duration, percent, plain, several, share } from "../lib/format";

const PRODUCTS: Record<string, string> = {
  forward: "forward",
  grad_input: "input gradient",
  grad_weight: "weight gradient",
};

export function Layers({ id }: { id: string }) {
  const layers = useLayers(id);
  return (
    <section aria-labelledby="layers">
      <h2 id="layers" className="section">
        Layers
      </h2>
      {layers.isPending && <Loading what="the layers" />}
      {layers.isError && <Failed error={layers.error} />}
      {layers.data?.items.length === 0 && <p className="quiet">Rows appear with the job's first report.</p>}
      {layers.data && layers.data.items.length > 0 && (
        <div className="card table">
          <table>
            <thead>
              <tr>
                <th>Layer</th>
                <th>Product</th>
                <th>Policy</th>
                <th className="number">Ratio</th>
                <th className="number">Pairs kept</th>
                <th className="number">MACs saved</th>
                <th className="number">Error</th>
                <th className="number">Never chosen</th>
              </tr>
            </thead>
            <tbody>
              {layers.data.items.map((row, i, rows) => (
                <tr key={`${row.layer}/${row.product}`} className={row.layer === rows[i - 1]?.layer ? "same" : ""}>
                  <th scope="row">{row.layer === rows[i - 1]?.layer ? "" : row.layer}</th>
                  <td>{PRODUCTS[row.product] ?? row.product}</td>
                  <td>
                    <span className="with-mark">
                      <PolicyMark policy={row.policy} size={10} /> {row.policy}
                    </span>
                  </td>
                  <td className="number">{share(row.ratio)}</td>
                  <td className="number">
                    {row.kept === null ? "–" : `${Number(row.kept.toFixed(1))} of ${count(row.pairs)}`}
                  </td>
                  <td className="number">{percent(row.exact_macs ? 1 - row.performed_macs / row.exact_macs : null)}</td>
                  <td className="number">{percent(row.error)}</td>
                  <td className="number">{percent(row.never_kept)}</td>
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
  const [copied, setCopied] = useState(false);
  const text = JSON.stringify(job.spec, (_key, value: unknown) => (value === null ? undefined : value), 2);
  return (
    <section aria-labelledby="spec">
      <h2 id="spec" className="section">
        Spec
        <button
          className="link"
          onClick={() => {
            void navigator.clipboard.writeText(text).then(() => setCopied(true));
          }}
        >
          {copied ? "Copied" : "Copy"}
        </button>
      </h2>
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

export function Log({ id }: { id: string }) {
  const log = useLog(id);
  const place = useRef<HTMLPreElement>(null);
  const follows = useRef(true);
  const text = log.data?.text ?? "";

  useEffect(() => {
    // Follow the end, unless the reader has scrolled up to read.
    if (follows.current && place.current) place.current.scrollTop = place.current.scrollHeight;
  }, [text]);

  return (
    <section aria-labelledby="log">
      <h2 id="log" className="section">
        Log
      </h2>
      {log.isPending && <Loading what="the log" />}
      {log.isError && <Failed error={log.error} />}
      {log.isSuccess && text === "" && <p className="quiet">Nothing was said so far.</p>}
      {text !== "" && (
        <>
          {log.data && log.data.start > 0 && (
            <p className="quiet">
              the last {count(log.data.size - log.data.start)} of {count(log.data.size)} characters; all of it: colrow
              log {id}
            </p>
          )}
          <pre
            ref={place}
            className="card code log"
            tabIndex={0}
            aria-labelledby="log"
            onScroll={({ currentTarget: at }) => {
              follows.current = at.scrollTop + at.clientHeight >= at.scrollHeight - 8;
            }}
          >
            {text}
          </pre>
        </>
      )}
    </section>
  );
}
