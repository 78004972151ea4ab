/* The sections of the form for a job. What they hold comes from the catalog, section by section. */

import type { Catalog } from "../api/client";
import { Choice, Flag, NumberField, TextField } from "../components/Fields";
import type { FormState } from "../components/Fields";
import { SchemaFields } from "../components/SchemaFields";
import { asNumber, asSeeds, at, forgotten, put } from "../lib/draft";
import type { Draft, Spec } from "../lib/draft";
import { count } from "../lib/format";
import type { Outline } from "../lib/outline";
import { fitting } from "../lib/tasks";
import { Rules } from "./rules";

interface Props {
  catalog: Catalog;
  outline: Outline;
  form: FormState;
  change: (draft: Draft) => void;
}

export function SpecSections({ catalog, outline, form, change }: Props) {
  return (
    <>
      <NetworkAndData catalog={catalog} outline={outline} form={form} change={change} />
      <section className="card block">
        <h2>Approximation</h2>
        <p className="quiet">One rule a row; for each layer the last rule that matches it holds.</p>
        <Rules rules={outline.rules} form={form} />
        <Wrong at="approximation" form={form} />
      </section>
      <section className="card block">
        <h2>Training</h2>
        <div className="fields">
          <Length form={form} change={change} />
          <SchemaFields fields={outline.training} form={form} />
        </div>
        <Wrong at="training" form={form} />
      </section>
      {outline.more.length > 0 && (
        <details className="card block">
          <summary>Reports and resources</summary>
          <div className="fields">
            <SchemaFields fields={outline.more} form={form} />
          </div>
        </details>
      )}
    </>
  );
}

function NetworkAndData({ catalog, outline, form, change }: Props) {
  const { spec } = form.draft;
  const name = String(at(spec, "model.name") ?? "");
  const model = catalog.models.find((one) => one.name === name);
  const dataset = catalog.datasets.find((one) => one.name === at(spec, "dataset.name"));
  const chooseModel = (to: string) => {
    const fit = fitting(
      catalog.datasets,
      catalog.models.find((one) => one.name === to),
    );
    const texts = forgotten(forgotten(form.draft.texts, "model"), "approximation");
    const next: Spec = put(spec, "model", { name: to });
    const stays = fit.some((one) => one.name === dataset?.name);
    const other = fit.find((one) => one.bundled) ?? fit[0];
    change({
      ...form.draft,
      texts: stays ? texts : forgotten(texts, "dataset"),
      spec: stays || !other ? next : put(next, "dataset", { name: other.name }),
    });
  };
  return (
    <section className="card block">
      <h2>Network and data</h2>
      <div className="fields">
        <Choice
          label="Network"
          help={model?.summary}
          error={form.errorAt("model")}
          value={name}
          options={catalog.models.map((one) => one.name)}
          onChange={chooseModel}
        />
        <SchemaFields fields={outline.model} form={form} />
      </div>
      <div className="fields">
        <Choice
          label="Data set"
          help={dataset?.title}
          error={form.errorAt("dataset")}
          value={dataset?.name ?? String(at(spec, "dataset.name") ?? "")}
          options={fitting(catalog.datasets, model).map((one) => one.name)}
          onChange={(one) => form.choose("dataset", { name: one })}
        />
        <SchemaFields
          fields={outline.dataset.map((field) =>
            field.name === "validation" && dataset?.validation
              ? { ...field, hint: count(dataset.validation) }
              : field.name === "train_limit"
                ? { ...field, hint: "all" }
                : field,
          )}
          form={form}
        />
      </div>
      <p className="quiet">{[model?.summary, dataset?.title].filter(Boolean).join(" ")}</p>
    </section>
  );
}

/** Epochs or steps: a spec has one of the two. */
function Length({ form, change }: { form: FormState; change: (draft: Draft) => void }) {
  const { spec, texts } = form.draft;
  const unit = at(spec, "training.steps") === undefined ? "epochs" : "steps";
  const turn = (to: string) => {
    const value = at(spec, `training.${unit}`) ?? asNumber(texts[`training.${unit}`] ?? "") ?? 10;
    const rest = put(put(spec, "training.epochs", undefined), "training.steps", undefined);
    const kept = forgotten(forgotten(texts, "training.epochs"), "training.steps");
    change({ ...form.draft, spec: put(rest, `training.${to}`, value), texts: kept });
  };
  return (
    <>
      <Choice label="Length in" value={unit} options={["epochs", "steps"]} onChange={turn} />
      <NumberField label={unit === "epochs" ? "Epochs" : "Steps"} path={`training.${unit}`} form={form} />
    </>
  );
}

/** What is wrong with a section as a whole. */
function Wrong({ at: path, form }: { at: string; form: FormState }) {
  const error = form.errorAt(path);
  return error ? <p className="field-error">{error}</p> : null;
}

/** What the jobs are called, and how many of them: by seeds, with exact twins. */
export function Jobs({ form, change }: { form: FormState; change: (draft: Draft) => void }) {
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
