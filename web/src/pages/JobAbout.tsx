/* Whose a job is, when it was what, and what people wrote on it. */

import { useState } from "react";

import { errorsOf } from "../api/client";
import type { Job, Schemas } from "../api/client";
import { useEdit } from "../api/records";
import { Link } from "../components/Link";
import { Field, TextField } from "../components/Fields";
import { ago, count, duration } from "../lib/format";
import { placed } from "../lib/schema";
import { asTags } from "../lib/tags";

const when = (time: string) => new Date(time).toLocaleString();

/** From its first start to its end, pauses included. */
function lasted({ started_at, finished_at }: Job): string {
  if (!started_at || !finished_at) return "";
  return `, after ${duration((Date.parse(finished_at) - Date.parse(started_at)) / 1000)}`;
}

export function About({ job, whyNot }: { job: Job; whyNot: string }) {
  const [edits, setEdits] = useState(false);
  if (edits) return <Edit job={job} onDone={() => setEdits(false)} />;
  return (
    <section className="card about" aria-label="About this job">
      <dl>
        <div>
          <dt>Owner</dt>
          <dd>{job.owner}</dd>
        </div>
        {job.sweep_id && (
          <div>
            <dt>Part of</dt>
            <dd>
              <Link to="/compare" changes={{ sweep: job.sweep_id, jobs: null }}>
                its sweep
              </Link>
            </dd>
          </div>
        )}
        <Time term="Submitted" time={job.created_at} />
        {job.started_at && <Time term="Started" time={job.started_at} />}
        {job.finished_at && <Time term="Ended" time={job.finished_at} more={lasted(job)} />}
        <div>
          <dt>Priority</dt>
          <dd>{count(job.priority)}</dd>
        </div>
        <div>
          <dt>Device</dt>
          <dd>{job.device ?? "–"}</dd>
        </div>
        <div>
          <dt>Tags</dt>
          <dd>
            {job.tags.length === 0 && "–"}
            {job.tags.map((tag) => (
              <bdi key={tag} className="badge tag">
                {tag}
              </bdi>
            ))}
          </dd>
        </div>
      </dl>
      <p className="edit">
        <button className="link" disabled={whyNot !== ""} title={whyNot || undefined} onClick={() => setEdits(true)}>
          Edit name, tags and notes
        </button>
      </p>
      {job.notes && <p className="notes">{job.notes}</p>}
    </section>
  );
}

function Time({ term, time, more = "" }: { term: string; time: string; more?: string }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd title={when(time)}>
        <time dateTime={time}>{ago(time)}</time>
        {more}
      </dd>
    </div>
  );
}

function Edit({ job, onDone }: { job: Job; onDone: () => void }) {
  const edit = useEdit(job.id);
  const [name, setName] = useState(job.name);
  const [tags, setTags] = useState(job.tags.join(", "));
  const [notes, setNotes] = useState(job.notes);
  const [priority, setPriority] = useState(String(job.priority));
  const isQueued = job.state === "queued";
  const fields = ["name", "tags", "notes", ...(isQueued ? ["priority"] : [])];
  const errors = placed(errorsOf(edit.error), fields);
  const errorAt = (field: string) => errors.get(field)?.join("; ") ?? "";
  const submit = () => {
    const body: Schemas["JobPatch"] = { name, tags: asTags(tags), notes };
    // A typed text goes as it is: the service says what is wrong with it.
    if (isQueued && priority !== String(job.priority)) body.priority = (Number(priority) || priority) as number;
    edit.mutate(body, { onSuccess: onDone });
  };
  return (
    <form
      className="card block"
      noValidate
      aria-label="Edit this job"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") onDone();
      }}
    >
      <div className="fields">
        <TextField label="Name" wide value={name} onChange={setName} error={errorAt("name")} autoFocus />
        <TextField label="Tags, between commas" wide value={tags} onChange={setTags} error={errorAt("tags")} />
        {isQueued && (
          <TextField
            label="Priority"
            value={priority}
            onChange={setPriority}
            error={errorAt("priority")}
            className="number"
            inputMode="numeric"
          />
        )}
      </div>
      <Field label="Notes" wide error={errorAt("notes")}>
        {(id, described) => (
          <textarea
            id={id}
            className="prose"
            rows={4}
            value={notes}
            onChange={(event) => setNotes(event.target.value)}
            {...described}
          />
        )}
      </Field>
      <div className="actions">
        <button className="button primary" disabled={edit.isPending}>
          {edit.isPending ? "Saving…" : "Save"}
        </button>
        <button type="button" className="button" onClick={onDone}>
          Leave as it was
        </button>
        {errorAt("") && (
          <p className="field-error" role="alert">
            {errorAt("")}
          </p>
        )}
      </div>
    </form>
  );
}
