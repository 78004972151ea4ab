/* A job, or a few seeds of it beside their exact twins: what it will save is shown while one types. */

import { useMemo, useState } from "react";

import { errorsOf } from "../api/client";
import type { Catalog, Job } from "../api/client";
import { useCatalog, useJob, usePlan, useRefusals, useSubmit, useSubmitSweep } from "../api/queries";
import type { FormState } from "../components/Fields";
import { Failed, Loading } from "../components/States";
import { BLANK, BLANK_STUDY, besides, draftOf, forgotten, isStudyDraft, put, submission } from "../lib/draft";
import type { Draft, Spec } from "../lib/draft";
import { several } from "../lib/format";
import { noteAt, outlineOf, pathsOf, settled, studyOutline, studyPaths } from "../lib/outline";
import { placed } from "../lib/schema";
import { useSlow } from "../lib/slow";
import { navigate, useParam } from "../lib/url";
import { Beside, Broken, Departures } from "./NewJobAside";
import { Jobs, SpecSections } from "./NewJobFields";
import { Start } from "./NewJobStart";
import { StudySections } from "./NewStudyFields";
import { PlanView } from "./PlanView";

const KEPT = "colrow:draft";

/** Where a draft is kept: each clone has a place of its own. */
const placeOf = (from: string) => (from ? `${KEPT}:${from}` : KEPT);

/** A draft and the key that it is submitted with: the same one twice makes its jobs once. */
type Kept = Draft & { key?: string };

function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What was typed comes back when the reader does; null where nothing was. */
function stored(from: string): Kept | null {
  try {
    const text = sessionStorage.getItem(placeOf(from));
    return text ? { ...BLANK, ...(JSON.parse(text) as Kept) } : null;
  } catch {
    return null;
  }
}

export function NewJobPage() {
  const [from] = useParam("from");
  const [kind] = useParam("kind");
  const catalog = useCatalog();
  if (catalog.isPending) return <Loading what="the catalog" />;
  if (catalog.isLoadingError) return <Failed error={catalog.error} onRetry={() => void catalog.refetch()} />;
  if (from) return <Cloned id={from} catalog={catalog.data} />;
  const kept = stored("") ?? BLANK;
  const begin = kind === "study" && !isStudyDraft(kept) ? BLANK_STUDY : kept;
  return <Form catalog={catalog.data} begin={begin} />;
}

function Cloned({ id, catalog }: { id: string; catalog: Catalog }) {
  const job = useJob(id);
  if (job.isPending) return <Loading what="the job to clone" />;
  if (job.isLoadingError) return <Failed error={job.error} />;
  const begin = draftOf(job.data.spec as unknown as Spec, job.data.name);
  return <Form key={id} original={job.data} catalog={catalog} begin={begin} kept={stored(id)} />;
}

interface FormProps {
  catalog: Catalog;
  begin: Kept;
  /** The job that is cloned. */
  original?: Job;
  /** What was made of it before. */
  kept?: Kept | null;
}

function Form({ catalog, begin: given, original, kept = null }: FormProps) {
  // What the form began with stays, whatever becomes of the original meanwhile.
  const [begin] = useState(given);
  const [draft, setDraft] = useState<Draft>(kept ?? begin);
  const from = original?.id ?? "";
  const [key, setKey] = useState(() => (kept ?? begin).key ?? newKey());
  const keep = (next: Kept) => sessionStorage.setItem(placeOf(from), JSON.stringify(next));
  // What was typed since then stays.
  const done = (used: string) => {
    if (stored(from)?.key === used) sessionStorage.removeItem(placeOf(from));
  };
  const job = useSubmit(done);
  const sweep = useSubmitSweep(done);
  const planned = usePlan(useSlow(draft.spec, 150));
  const others = besides(useSlow(draft, 150));
  const refusals = useRefusals(others.map((other) => other.spec));
  // What is wrong with every method is said at its own field already.
  const refused = planned.isError ? [] : others.flatMap(({ name }, i) => saidOf(name, refusals[i] ?? null));
  const made = submission(draft);
  const gated = planned.data?.layers.some((layer) => layer.kind.startsWith("lstm")) ?? false;
  const studies = isStudyDraft(draft);
  const outline = useMemo(() => outlineOf(catalog, draft.spec, gated), [catalog, draft.spec, gated]);
  const study = useMemo(() => studyOutline(catalog), [catalog]);
  const refusal = [job.error, sweep.error, planned.error].find((error) => error !== null) ?? null;
  const errors = useMemo(
    () => placed(errorsOf(refusal), studies ? studyPaths(study, draft.spec) : pathsOf(outline, draft.spec)),
    [refusal, studies, study, outline, draft.spec],
  );

  const change = (next: Draft) => {
    setDraft(next);
    const fresh = newKey();
    setKey(fresh);
    job.reset();
    sweep.reset();
    keep({ ...next, key: fresh });
  };
  const form: FormState = {
    draft,
    set: (path, value, text) => {
      const texts = text === undefined ? draft.texts : { ...draft.texts, [path]: text };
      change({ ...draft, spec: settled(put(draft.spec, path, value)), texts });
    },
    choose: (path, value) =>
      change({ ...draft, spec: settled(put(draft.spec, path, value)), texts: forgotten(draft.texts, path) }),
    errorAt: (path) => errors.get(path)?.join("; ") ?? "",
    noteAt: (path) => noteAt(draft.spec, path),
  };

  const busy = job.isPending || sweep.isPending;
  const submit = () => {
    if (!made || busy || refused.length > 0) return;
    keep({ ...draft, key });
    if (made.kind === "job") {
      job.mutate(
        { body: made.body, key },
        { onSuccess: ({ id }) => navigate(`/jobs/${id}`, { from: null, preset: null, kind: null }) },
      );
    } else {
      sweep.mutate(
        { body: made.body, key },
        {
          onSuccess: (answer) => {
            const clear = { jobs: null, from: null, preset: null, kind: null };
            navigate(studies ? "/study" : "/compare", { ...clear, sweep: "id" in answer ? answer.id : null });
          },
        },
      );
    }
  };
  const elsewhere = errors.get("") ?? [];
  const inFields = errors.size - (elsewhere.length ? 1 : 0) + refused.length;
  return (
    <form
      className="page new"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <header className="page-head">
        <div>
          <p className="over">New job</p>
          <h1>
            {studies
              ? "Which product shall be studied, and by which methods?"
              : "What shall be trained, and how approximately?"}
          </h1>
        </div>
      </header>
      <div className="with-side">
        <div className="form">
          {catalog.broken.length > 0 && <Broken offers={catalog.broken} />}
          <Start catalog={catalog} begin={original ? begin : null} draft={draft} change={change} />
          {studies ? (
            <StudySections catalog={catalog} outline={study} form={form} change={change} refused={refused} />
          ) : (
            <SpecSections catalog={catalog} outline={outline} form={form} change={change} />
          )}
          <Jobs form={form} change={change} />
        </div>
        <aside className="plan" aria-label="Plan">
          <div className="card block" aria-live="polite">
            <PlanView plan={planned.isError ? undefined : planned.data} stale={planned.isFetching} />
            {elsewhere.map((msg) => (
              <p key={msg} className="field-error" role="alert">
                {msg}
              </p>
            ))}
            {inFields > 0 && (
              <p className="field-error">{several(inFields, "field")} to mend before this can run.</p>
            )}
            <button className="button primary big" disabled={!made || busy || planned.isError || refused.length > 0}>
              {busy ? "Submitting…" : made ? `Submit ${several(made.count, "job")}` : "Submit"}
            </button>
          </div>
          {original && <Departures original={original} begin={begin} draft={draft} />}
          <Beside draft={draft} change={change} />
        </aside>
      </div>
    </form>
  );
}

/** What the service found wrong with one of several methods. */
function saidOf(name: string, error: Error | null): string[] {
  if (!error) return [];
  const said = errorsOf(error).map(({ msg }) => msg);
  return [`${name.replaceAll("_", " ")}: ${said.join("; ")}`];
}
