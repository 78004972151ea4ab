/* A job, or a few seeds of it beside their exact twins: what it will save is shown while one types. */

import { useEffect, useMemo, useState } from "react";

import { Failure } from "../api/client";
import type { Catalog } from "../api/client";
import { useCatalog, useJob, usePlan, useSubmit, useSubmitSweep } from "../api/queries";
import { Choice, Field, NumberField, TextField } from "../components/Fields";
import { Failed, Loading } from "../components/States";
import { BLANK, asNumber, asSeeds, at, draftOf, put, submission } from "../lib/draft";
import type { Draft, Json, Spec } from "../lib/draft";
import { count, several } from "../lib/format";
import { navigate, useParam } from "../lib/url";
import { PlanView } from "./PlanView";
import { parameterFields, ruleRows } from "./rules";

const KEPT = "colrow:draft";

/** What was typed comes back when the reader does. */
function stored(): Draft {
  try {
    const text = sessionStorage.getItem(KEPT);
    return text ? { ...BLANK, ...(JSON.parse(text) as Draft) } : BLANK;
  } catch {
    return BLANK;
  }
}

export function NewJobPage() {
  const [from] = useParam("from");
  const catalog = useCatalog();
  if (catalog.isPending) return <Loading what="the catalog" />;
  if (catalog.isError) return <Failed error={catalog.error} onRetry={() => void catalog.refetch()} />;
  return from ? <Cloned id={from} catalog={catalog.data} /> : <Form catalog={catalog.data} begin={stored()} />;
}

function Cloned({ id, catalog }: { id: string; catalog: Catalog }) {
  const job = useJob(id);
  if (job.isPending) return <Loading what="the job to clone" />;
  if (job.isError) return <Failed error={job.error} />;
  return <Form key={id} fromJob catalog={catalog} begin={draftOf(job.data.spec as unknown as Spec, job.data.name)} />;
}

function Form({ catalog, begin, fromJob = false }: { catalog: Catalog; begin: Draft; fromJob?: boolean }) {
  const [preset, setPreset] = useParam("preset");
  const [draft, setDraft] = useState(begin);
  const [key, setKey] = useState(() => crypto.randomUUID());
  const job = useSubmit();
  const sweep = useSubmitSweep();
  const planned = usePlan(useSlow(draft.spec));
  const made = submission(draft);

  const change = (next: Draft) => {
    setDraft(next);
    setKey(crypto.randomUUID());
    job.reset();
    sweep.reset();
    sessionStorage.setItem(KEPT, JSON.stringify(next));
  };
  const choosePreset = (name: string) => {
    const found = catalog.presets.find((one) => one.name === name);
    change(found ? draftOf(found.spec as unknown as Spec, found.title) : fromJob ? begin : BLANK);
    setPreset(name);
  };
  const set = (path: string, value: Json | undefined, text?: string) => {
    const texts = text === undefined ? draft.texts : { ...draft.texts, [path]: text };
    change({ ...draft, spec: put(draft.spec, path, value), texts });
  };

  const refusal = [job.error, sweep.error, planned.error].find((error) => error !== null) ?? null;
  const errors = useMemo(() => errorsOf(refusal), [refusal]);
  const placed = new Set<string>();
  const errorAt = (...paths: string[]) => {
    const found = paths.flatMap((path) => (errors[path] ?? []).map((msg) => ({ path, msg })));
    for (const { path } of found) placed.add(path);
    return found.map(({ msg }) => msg).join("; ");
  };
  const field = (path: string) => ({ path, draft, set, error: errorAt(path) });

  const model = String(at(draft.spec, "model.name") ?? "");
  const optimizer = String(at(draft.spec, "training.optimizer.name") ?? "adam");
  const rules = at(draft.spec, "approximation");
  const byEpochs = at(draft.spec, "training.steps") === undefined;
  const busy = job.isPending || sweep.isPending;
  const dataset = catalog.datasets.find((one) => one.name === at(draft.spec, "dataset.name"));

  const submit = () => {
    if (!made || busy) return;
    const done = () => sessionStorage.removeItem(KEPT);
    if (made.kind === "job") {
      job.mutate(
        { body: made.body, key },
        { onSuccess: ({ id }) => (done(), navigate(`/jobs/${id}`, { from: null, preset: null })) },
      );
    } else {
      sweep.mutate(
        { body: made.body, key },
        {
          onSuccess: (answer) => {
            done();
            navigate("/compare", { sweep: "id" in answer ? answer.id : null, jobs: null, from: null, preset: null });
          },
        },
      );
    }
  };

  const body = (
    <div className="form">
      <section className="card block">
        <h2>Start from</h2>
        <div className="fields">
          <Field label="Preset" wide>
            {(id) => (
              <select id={id} value={preset} onChange={(event) => choosePreset(event.target.value)}>
                <option value="">{fromJob ? "a clone" : "digits, a small start"}</option>
                {catalog.presets.map((one) => (
                  <option key={one.name} value={one.name}>
                    {one.title}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <p className="quiet hint">{catalog.presets.find((one) => one.name === preset)?.summary ?? ""}</p>
        </div>
      </section>
      <section className="card block">
        <h2>Network and data</h2>
        <div className="fields">
          <Choice
            label="Network"
            error={errorAt("model", "model.name")}
            value={model}
            options={catalog.models.map((one) => one.name)}
            onChange={(name) => change({ ...draft, spec: put(draft.spec, "model", { name }), texts: {} })}
          />
          {parameterFields(catalog.models.find((one) => one.name === model)?.parameters, "model", field)}
          <Choice
            label="Data set"
            error={errorAt("dataset", "dataset.name")}
            value={String(at(draft.spec, "dataset.name") ?? "")}
            options={catalog.datasets.map((one) => one.name)}
            onChange={(name) => set("dataset.name", name)}
          />
          <NumberField
            label="Validation examples"
            hint={dataset ? count(dataset.validation) : ""}
            {...field("dataset.validation")}
          />
          <NumberField label="Training examples at most" hint="all" {...field("dataset.train_limit")} />
        </div>
      </section>
      <section className="card block">
        <h2>Approximation</h2>
        <p className="quiet">One rule a row; for each layer the last rule that matches it holds.</p>
        {ruleRows({ catalog, rules: Array.isArray(rules) ? rules : [], field, errorAt, set, draft, change })}
      </section>
      <section className="card block">
        <h2>Training</h2>
        <div className="fields">
          <Choice
            label="Length in"
            value={byEpochs ? "epochs" : "steps"}
            options={["epochs", "steps"]}
            onChange={(unit) => {
              const text = draft.texts[byEpochs ? "training.epochs" : "training.steps"];
              const value =
                at(draft.spec, byEpochs ? "training.epochs" : "training.steps") ?? asNumber(text ?? "") ?? 10;
              const rest = put(put(draft.spec, "training.epochs", undefined), "training.steps", undefined);
              change({ ...draft, spec: put(rest, `training.${unit}`, value), texts: {} });
            }}
          />
          <NumberField
            label={byEpochs ? "Epochs" : "Steps"}
            {...field(byEpochs ? "training.epochs" : "training.steps")}
            also={errorAt("training")}
          />
          <NumberField label="Batch size" hint="50" {...field("training.batch_size")} />
          <Choice
            label="Optimizer"
            value={optimizer}
            options={catalog.optimizers.map((one) => one.name)}
            onChange={(name) => change({ ...draft, spec: put(draft.spec, "training.optimizer", { name }), texts: {} })}
          />
          {parameterFields(
            catalog.optimizers.find((one) => one.name === optimizer)?.parameters,
            "training.optimizer",
            field,
            ["lr", "momentum", "weight_decay"],
          )}
          <Choice
            label="Precision"
            value={String(at(draft.spec, "training.precision") ?? "fp32")}
            options={["fp32", "bf16"]}
            onChange={(value) => set("training.precision", value)}
          />
        </div>
      </section>
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
                ? errorAt("seed", "axes.seed")
                : "seeds are whole numbers from 0 on, as in 0, 1, 2 or 0-4"
            }
          />
          <label className="check">
            <input
              type="checkbox"
              checked={draft.withExact}
              disabled={!Array.isArray(rules) || rules.length === 0}
              onChange={(event) => change({ ...draft, withExact: event.target.checked })}
            />
            each with its exact twin, to compare with
          </label>
        </div>
      </section>
    </div>
  );
  const elsewhere = Object.entries(errors).filter(([path]) => !placed.has(path));
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
          <h1>What shall be trained, and how approximately?</h1>
        </div>
      </header>
      <div className="with-side">
        {body}
        <aside className="card plan" aria-label="Plan" aria-live="polite">
          <PlanView plan={planned.isError ? undefined : planned.data} stale={planned.isFetching} />
          {elsewhere.map(([path, msgs]) => (
            <p key={path} className="field-error" role="alert">
              {path && <b>{path} </b>}
              {msgs.join("; ")}
            </p>
          ))}
          {refusal !== null && placed.size > 0 && elsewhere.length === 0 && (
            <p className="field-error">{several(placed.size, "field")} to mend before this can run.</p>
          )}
          <button className="button primary big" disabled={!made || busy || planned.isError}>
            {busy ? "Submitting…" : made ? `Submit ${several(made.count, "job")}` : "Submit"}
          </button>
        </aside>
      </div>
    </form>
  );
}

/** Wait until the typing pauses, so that not every key asks for a plan. */
function useSlow<T>(value: T): T {
  const [slow, setSlow] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(value), 150);
    return () => clearTimeout(timer);
  }, [value]);
  return slow;
}

/** Messages per path of the spec; "" holds what belongs to no field. */
function errorsOf(error: unknown): Record<string, string[]> {
  if (error === null) return {};
  if (!(error instanceof Failure)) return { "": [String(error)] };
  if (error.errors.length === 0) return { "": [error.message] };
  const found: Record<string, string[]> = {};
  for (const { loc, msg } of error.errors) {
    const path = loc.replace(/^(spec|base|body)(\.|$)/, "").replace(/^variants\.\d+\./, "");
    found[path] = [...(found[path] ?? []), msg];
  }
  return found;
}
