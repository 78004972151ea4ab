/* What is done with the jobs that are ticked. */

import { useRef, useState } from "react";
import type { FormEvent } from "react";

import type { JobItem } from "../api/client";
import { useMany, useSession } from "../api/queries";
import type { ManyAction } from "../api/queries";
import { MOST_CHOSEN, withMany } from "../lib/choice";
import { exportPath } from "../lib/exports";
import { several } from "../lib/format";
import { reasons, told } from "../lib/outcomes";
import type { Outcome } from "../lib/outcomes";
import { navigate, useParam } from "../lib/url";
import { Link } from "./Link";

interface Props {
  ids: readonly string[];
  /** The jobs that the list has; ticked ones may be beyond it. */
  items: readonly JobItem[];
  openJob: string | null;
}

type Panel = "tag" | "export" | "delete";
interface Told {
  action: ManyAction;
  outcomes: Outcome[];
  /** What was ticked afterwards: once that changes it is no news any more. */
  after: string;
}

export function Ticked({ ids, items, openJob }: Props) {
  const [, setChosen] = useParam("jobs");
  const [panel, setPanel] = useState<Panel | null>(null);
  const [last, setLast] = useState<Told | null>(null);
  const role = useSession().data?.role;
  const many = useMany();
  const isViewer = role === "viewer";
  const opened = useRef<HTMLButtonElement>(null);
  // Focus goes back to what opened the panel.
  const close = () => {
    setPanel(null);
    opened.current?.focus();
  };
  const [only] = ids;

  const run = (action: ManyAction, tag?: string) => {
    setLast(null);
    many.mutate(
      { action, ids, ...(tag === undefined ? {} : { tag }) },
      {
        onSuccess: (outcomes) => {
          const ended = outcomes.filter(({ status }) => status === null || status === 404).map(({ id }) => id);
          const gone = action === "delete" ? ended : [];
          const rest = withMany(ids, gone, false);
          setLast({ action, outcomes, after: rest ?? "" });
          if (action !== "delete") return;
          setPanel(null);
          navigate(openJob && gone.includes(openJob) ? "/compare" : null, { jobs: rest }, "replace");
        },
      },
    );
  };
  const opener = (name: Panel, label: string, changes: boolean) => (
    <button
      className={`button small ${name === "delete" ? "danger" : ""}`}
      aria-expanded={panel === name}
      disabled={changes && (isViewer || many.isPending)}
      onClick={(event) => {
        opened.current = event.currentTarget;
        setLast(null);
        setPanel(panel === name ? null : name);
      }}
    >
      {label}
    </button>
  );
  const doer = (action: ManyAction, label: string) => (
    <button className="button small" disabled={isViewer || many.isPending} onClick={() => run(action)}>
      {label}
    </button>
  );
  const news = last && last.after === ids.join(",") && (
    <Outcomes action={last.action} outcomes={last.outcomes} items={items} />
  );
  if (ids.length === 0) {
    return (
      <div className={news ? "ticked-bar" : ""} role="status">
        {news}
      </div>
    );
  }
  return (
    <section
      className="ticked-bar"
      aria-label="Ticked jobs"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !panel) return;
        event.preventDefault();
        close();
      }}
    >
      <p className="ticked-head">
        <b>
          {several(ids.length, "job")} ticked{ids.length === MOST_CHOSEN && ", the most there can be"}
        </b>
        <button className="link" onClick={() => setChosen(null)}>
          Clear
        </button>
      </p>
      <div className="ticked-actions">
        <Link to="/compare" className="button small">
          Compare
        </Link>
        <Link to="/diff" className="button small">
          Diff
        </Link>
        {opener("tag", "Tag", true)}
        {ids.length === 1 && only && !isViewer ? (
          <Link to="/new" changes={{ from: only, preset: null }} className="button small">
            Clone
          </Link>
        ) : (
          <button className="button small" disabled title={isViewer ? undefined : "Tick one job to clone it"}>
            Clone
          </button>
        )}
        {doer("cancel", "Cancel")}
        {doer("pause", "Pause")}
        {opener("export", "Export CSV", false)}
        {opener("delete", "Delete", true)}
      </div>
      {isViewer && <p className="quiet">You look here as a viewer: changing jobs takes a token of role user.</p>}
      {panel === "tag" && <Tags ids={ids} items={items} isBusy={many.isPending} onTag={run} />}
      {panel === "export" && (
        <ul className="exports">
          <li>
            <a href={exportPath(ids, "jobs")} download>
              Jobs, whole
            </a>
          </li>
          <li>
            <a href={exportPath(ids, "points")} download>
              Every point of every curve
            </a>
          </li>
        </ul>
      )}
      {panel === "delete" && (
        <div className="ticked-ask" role="group" aria-label={`Delete ${several(ids.length, "job")}?`}>
          <p>
            Delete {several(ids.length, "job")} for good? Curves, logs and checkpoints are lost with{" "}
            {ids.length === 1 ? "it" : "them"}.
          </p>
          <div className="ticked-actions">
            <button className="button small danger" disabled={many.isPending} onClick={() => run("delete")}>
              Delete {several(ids.length, "job")}
            </button>
            <button className="button small" onClick={close}>
              Keep
            </button>
          </div>
        </div>
      )}
      <div role="status">
        {many.isPending && <p className="quiet">Working…</p>}
        {news}
      </div>
    </section>
  );
}

function Outcomes({ action, outcomes, items }: Omit<Told, "after"> & { items: readonly JobItem[] }) {
  const failed = reasons(outcomes);
  const nameOf = (id: string) => {
    const job = items.find((one) => one.id === id);
    return job ? job.name || `${job.policy}, seed ${job.seed}` : id;
  };
  return (
    <>
      <p>{told(action, outcomes)}.</p>
      {failed.length > 0 && (
        <ul className="ticked-failed">
          {failed.map(({ message, ids }) => (
            <li key={message}>
              <span className="cut" title={ids.map(nameOf).join("\n")}>
                <bdi>{nameOf(ids[0] ?? "")}</bdi>
                {ids.length > 1 && ` and ${ids.length - 1} more`}
              </span>
              <span className="field-error">{message}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

interface TagsProps {
  ids: readonly string[];
  items: readonly JobItem[];
  isBusy: boolean;
  onTag: (action: "tag" | "untag", tag: string) => void;
}

/** Add a tag to all that are ticked, or take one away. */
function Tags({ ids, items, isBusy, onTag }: TagsProps) {
  const [text, setText] = useState("");
  const there = [...new Set(items.filter((job) => ids.includes(job.id)).flatMap((job) => job.tags))].sort();
  const add = (event: FormEvent) => {
    event.preventDefault();
    const tag = text.trim();
    if (!tag) return;
    onTag("tag", tag);
    setText("");
  };
  return (
    <form className="ticked-tag" onSubmit={add}>
      <label className="visually-hidden" htmlFor="tag">
        Tag for the ticked jobs
      </label>
      <input
        id="tag"
        value={text}
        maxLength={100}
        placeholder="A tag"
        autoComplete="off"
        autoFocus
        onChange={(event) => setText(event.target.value)}
      />
      <button className="button small" disabled={isBusy || !text.trim()}>
        Add
      </button>
      {there.length > 0 && (
        <ul className="tags" aria-label="Tags of the ticked jobs">
          {there.map((tag) => (
            <li key={tag}>
              <bdi className="cut" title={tag}>
                {tag}
              </bdi>
              <button type="button" aria-label={`Take away tag ${tag}`} disabled={isBusy} onClick={() => onTag("untag", tag)}>
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
    </form>
  );
}
