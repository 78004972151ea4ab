/* A job, or a few seeds of it beside their exact twins: what it will save is shown while one types. */

import { Suspense, lazy, useMemo, useState } from "react";

import { Failure } from "../api/client";
import type { Catalog, Job } from "../api/client";
import { useCatalog, useJob, usePlan, useRefusals, useSubmit, useSubmitSweep } from "../api/queries";
import { Field, Flag, TextField } from "../components/Fields";
import type { FormState } from "../components/Fields";
import { Link } from "../components/Link";
import { Boundary, Failed, Loading } from "../components/States";
import { Switch } from "../components/Switch";
import { BLANK, BLANK_STUDY, asSeeds, besides, draftOf, forgotten, isSame, isStudyDraft, put, submission } from "../lib/draft";
import type { Draft, Spec } from "../lib/draft";
import { departures } from "../lib/departures";
import { several } from "../lib/format";
import { noteAt, outlineOf, pathsOf, settled, studyOutline, studyPaths } from "../lib/outline";
import { grouped } from "../lib/presets";
import { placed } from "../lib/schema";
import { useSlow } from "../lib/slow";
import { navigate, useParam } from "../lib/url";
import { SpecSections } from "./NewJobFields";
import { StudySections } from "./NewStudyFields";
import { PlanView } from "./PlanView";

const YamlPane = lazy(() => import("./YamlPane"));
const KEPT = "colrow:draft";
/** Stands for what the form begins with; no preset is called so. */
const BEGINNING = "-";
const KINDS = [
  { value: "training", label: "Training" },
  { value: "study", label: "Study" },
] as const;

/** Where a draft is kept: each clone has a place of its own. */
const placeOf = (from: string) => (from ? `${KEPT}:${from}` : KEPT);

/** What was typed comes back when the reader does; null where nothing was. */
function stored(from: string): Draft | null {
  try {
    const text = sessionStorage.getItem(placeOf(from));
    return text ? { ...BLANK, ...(JSON.parse(text) as Draft) } : null;
  } catch {
    return null;
  }
}

export function NewJobPage() {
  const [from] = useParam("from");
  const [kind] = useParam("kind");
  const catalog = useCatalog();
  if (catalog.isPending) return <Loading what="the catalog" />;
  if (catalog.isError) return <Failed error={catalog.error} onRetry={() => void catalog.refetch()} />;
  if (from) return <Cloned id={from} catalog={catalog.data} />;
  const kept = stored("") ?? BLANK;
  const begin = kind === "study" && !isStudyDraft(kept) ? BLANK_STUDY : kept;
  return <Form catalog={catalog.data} begin={begin} />;
}

function Cloned({ id, catalog }: { id: string; catalog: Catalog }) {
  const job = useJob(id);
  if (job.isPending) return <Loading what="the job to clone" />;
  if (job.isError) return <Failed error={job.error} />;
  const begin = draftOf(job.data.spec as unknown as Spec, job.data.name);
  return <Form key={id} original={job.data} catalog={catalog} begin={begin} kept={stored(id)} />;
}

interface FormProps {
  catalog: Catalog;
  begin: Draft;
  /** The job that is cloned. */
  original?: Job;
  /** What was made of it before. */
  kept?: Draft | null;
}

function Form({ catalog, begin: given, original, kept = null }: FormProps) {
  // What the form began with stays, whatever becomes of the original meanwhile.
  const [begin] = useState(given);
  const [draft, setDraft] = useState(kept ?? begin);
  const place = placeOf(original?.id ?? "");
  const [key, setKey] = useState(() => crypto.randomUUID());
  const job = useSubmit();
  const sweep = useSubmitSweep();
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
    setKey(crypto.randomUUID());
    job.reset();
    sweep.reset();
    sessionStorage.setItem(place, JSON.stringify(next));
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
    const done = () => sessionStorage.removeItem(place);
    if (made.kind === "job") {
      job.mutate(
        { body: made.body, key },
        { onSuccess: ({ id }) => (done(), navigate(`/jobs/${id}`, { from: null, preset: null, kind: null })) },
      );
    } else {
      sweep.mutate(
        { body: made.body, key },
        {
          onSuccess: (answer) => {
            done();
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

/** Packages that are installed but of no use, so that nobody looks for what they offer in vain. */
function Broken({ offers }: { offers: readonly string[] }) {
  return (
    <section className="banner bad" aria-label="Broken packages">
      <b>{several(offers.length, "offer")} of installed packages can't be used</b>
      <ul>
        {offers.map((offer) => (
          <li key={offer}>{offer}</li>
        ))}
      </ul>
    </section>
  );
}

/** A preset, or what the form begins with. */
function Start({
  catalog,
  begin,
  draft,
  change,
}: {
  catalog: Catalog;
  /** The clone that the form began with. */
  begin: Draft | null;
  draft: Draft;
  change: (draft: Draft) => void;
}) {
  const [preset, setPreset] = useParam("preset");
  const studies = isStudyDraft(draft);
  const blank = begin ?? (studies ? BLANK_STUDY : BLANK);
  const draftFrom = (one: Catalog["presets"][number]) => draftOf(one.spec as unknown as Spec, one.title);
  const offered = catalog.presets.filter((one) => (one.spec.kind === "matmul_error") === studies);
  // A preset that was changed is that preset no more.
  const fits = offered.filter((one) => isSame(draftFrom(one).spec, draft.spec));
  const chosen = fits.find((one) => one.name === preset) ?? fits[0];
  const value = chosen ? chosen.name : isSame(blank.spec, draft.spec) ? BEGINNING : "";
  const choose = (name: string) => {
    const found = offered.find((one) => one.name === name);
    change(found ? draftFrom(found) : blank);
    setPreset(found ? name : null);
  };
  return (
    <section className="card block">
      <h2>Start from</h2>
      <div className="fields">
        <Switch
          legend="Kind"
          name="kind"
          options={KINDS}
          value={studies ? "study" : "training"}
          onChange={(kind) => {
            setPreset(null);
            change(kind === "study" ? BLANK_STUDY : BLANK);
          }}
        />
        <Field label="Preset" wide>
          {(id) => (
            <select id={id} value={value} onChange={(event) => choose(event.target.value)}>
              {value === "" && <option value="">none</option>}
              <option value={BEGINNING}>{begin ? "a clone" : studies ? "100 × 100, a small start" : "digits, a small start"}</option>
              {grouped(offered).map(([title, presets]) => (
                <optgroup key={title} label={title}>
                  {presets.map((one) => (
                    <option key={one.name} value={one.name}>
                      {one.title}
                    </option>
                  ))}
                </optgroup>
              ))}
            </select>
          )}
        </Field>
        {chosen && <p className="quiet hint">{chosen.summary}</p>}
      </div>
    </section>
  );
}

function Jobs({ form, change }: { form: FormState; change: (draft: Draft) => void }) {
  const { draft, errorAt } = form;
  const rules = draft.spec.approximation;
  const samples = Array.isArray(rules) && rules.length > 0;
  return (
    <section className="card block">
      <h2>Jobs</h2>
      <div className="fields">
        <TextField
          label="Name"
          value={draft.name}
          wide
          onChange={(name) => change({ ...draft, name })}
          error={errorAt("name")}
        />
        <TextField
          label="Seeds"
          value={draft.seeds}
          onChange={(seeds) => change({ ...draft, seeds })}
          error={
            asSeeds(draft.seeds)
              ? errorAt("seed") || errorAt("axes.seed")
              : "seeds are whole numbers from 0 on, as in 0, 1, 2 or 0-4"
          }
        />
      </div>
      {samples && (
        <Flag
          label="each with its exact twin, to compare with"
          checked={draft.withExact}
          onChange={(withExact) => change({ ...draft, withExact })}
        />
      )}
    </section>
  );
}

/** In what a clone differs from the job that it began with. */
function Departures({ original, begin, draft }: { original: Job; begin: Draft; draft: Draft }) {
  const found = departures(begin, draft);
  return (
    <section className="card block" aria-labelledby="departures" aria-live="polite">
      <h2 id="departures">Against the original</h2>
      <p className="quiet">
        A clone of <Link to={`/jobs/${original.id}`} changes={{ from: null, preset: null }}><bdi>{original.name || original.id}</bdi></Link>.{" "}
        {found.length === 0 ? "Nothing was changed yet." : `${several(found.length, "change")}:`}
      </p>
      {found.length > 0 && (
        <dl className="departures">
          {found.map(({ path, before, after }) => (
            <div key={path}>
              <dt>{path}</dt>
              <dd>
                <del>{before}</del> <span aria-hidden="true">→</span> <ins>{after}</ins>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}

/** The YAML beside the form, where the reader wants it. */
function Beside({ draft, change }: { draft: Draft; change: (draft: Draft) => void }) {
  const [yaml, setYaml] = useParam("yaml");
  return (
    <section className="card block">
      <Flag label="as YAML" checked={yaml === "1"} onChange={(on) => setYaml(on ? "1" : null)} />
      {yaml === "1" && (
        <Boundary>
          <Suspense fallback={<Loading what="the YAML" />}>
            <YamlPane draft={draft} change={change} />
          </Suspense>
        </Boundary>
      )}
    </section>
  );
}

/** What the service found wrong with one of several methods. */
function saidOf(name: string, error: Error | null): string[] {
  if (!error) return [];
  const said = errorsOf(error).map(({ msg }) => msg);
  return [`${name.replaceAll("_", " ")}: ${said.join("; ")}`];
}

/** What the service found wrong, by path of the spec; "" where it belongs to no field. */
function errorsOf(error: unknown): { loc: string; msg: string }[] {
  if (error === null) return [];
  if (!(error instanceof Failure)) return [{ loc: "", msg: String(error) }];
  if (error.errors.length === 0) return [{ loc: "", msg: error.message }];
  return error.errors.map(({ loc, msg }) => ({
    loc: loc.replace(/^(spec|base|body)(\.|$)/, "").replace(/^variants\.\d+\./, ""),
    msg,
  }));
}
