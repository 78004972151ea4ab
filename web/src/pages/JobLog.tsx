/* A job's log as it flows: read on from where it ended, and back as far as one asks. */

import { useLayoutEffect, useRef, useState } from "react";

import { useLog, useOlderLog, wholeLog } from "../api/records";
import { Loading, PartFailed } from "../components/States";
import { count } from "../lib/format";
import { olderThan } from "../lib/logs";
import { fileName, save } from "../lib/save";

/** Pixels from the end that still count as the end. */
const NEAR_END = 8;

export function JobLog({ id, name, isRunning }: { id: string; name: string; isRunning: boolean }) {
  const log = useLog(id);
  const older = useOlderLog(id);
  const place = useRef<HTMLPreElement>(null);
  const shown = useRef({ start: 0, height: 0 });
  const [follows, setFollows] = useState(true);
  const [saving, setSaving] = useState<"" | "busy" | "failed">("");
  const held = log.data;
  const text = held?.text ?? "";

  // At the end the newest line stays in sight; elsewhere the lines being read stay where they are.
  useLayoutEffect(() => {
    const at = place.current;
    if (!at || !held) return;
    if (follows) at.scrollTop = at.scrollHeight;
    else if (held.start < shown.current.start) at.scrollTop += at.scrollHeight - shown.current.height;
    shown.current = { start: held.start, height: at.scrollHeight };
  }, [held, follows]);

  const download = () => {
    setSaving("busy");
    wholeLog(id)
      .then((whole) => {
        save(whole, `${fileName(name, id)}.log`);
        setSaving("");
      })
      .catch(() => setSaving("failed"));
  };
  const before = held ? olderThan(held) : 0;
  return (
    <section aria-labelledby="log">
      <div className="section-row">
        <h2 id="log" className="section">
          Log
        </h2>
        {text !== "" && (
          <>
            <label className="check">
              <input type="checkbox" checked={follows} onChange={(event) => setFollows(event.target.checked)} />
              Follow
            </label>
            <button className="link" onClick={download} disabled={saving === "busy"}>
              {saving === "busy" ? "Reading all of it…" : "Download"}
            </button>
            {saving === "failed" && (
              <span className="field-error" role="alert">
                The log could not be read; try again.
              </span>
            )}
          </>
        )}
      </div>
      {log.isPending && <Loading what="the log" />}
      {log.isError && <PartFailed error={log.error} onRetry={() => void log.refetch()} />}
      {log.isSuccess && text === "" && (
        <p className="quiet">
          {isRunning ? "Nothing was said so far; lines appear here as they are written." : "Nothing was said."}
        </p>
      )}
      {held && text !== "" && (
        <div className="card log-card">
          {before > 0 && (
            <p className="log-more">
              <button
                className="link"
                disabled={older.isPending}
                onClick={() => {
                  // Who is at the end is taken to where the older lines will join.
                  if (follows && place.current) place.current.scrollTop = 0;
                  setFollows(false);
                  older.mutate();
                }}
              >
                {older.isPending ? "Reading…" : "Show older lines"}
              </button>{" "}
              <span className="quiet">{count(before)} characters before these</span>
              {older.isError && <span className="field-error"> {older.error.message}</span>}
            </p>
          )}
          {before === 0 && held.first > 0 && (
            <p className="log-more quiet">The first {count(held.first)} characters were dropped: the log was too long.</p>
          )}
          <pre
            ref={place}
            className="code log"
            tabIndex={0}
            aria-labelledby="log"
            onScroll={({ currentTarget: at }) =>
              setFollows(at.scrollTop + at.clientHeight >= at.scrollHeight - NEAR_END)
            }
          >
            {text}
          </pre>
        </div>
      )}
    </section>
  );
}
