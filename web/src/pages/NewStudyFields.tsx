/* The form for a study: a product of random factors, and the methods that approximate it. */

import type { Catalog } from "../api/client";
import type { FormState } from "../components/Fields";
import { Flag } from "../components/Fields";
import { SchemaFields } from "../components/SchemaFields";
import { at } from "../lib/draft";
import type { Draft } from "../lib/draft";
import type { StudyOutline } from "../lib/outline";

const METHOD = ["method", "score"];

interface Props {
  catalog: Catalog;
  outline: StudyOutline;
  form: FormState;
  change: (draft: Draft) => void;
  /** What is wrong with methods beside the study's own. */
  refused: readonly string[];
}

export function StudySections({ catalog, outline, form, change, refused }: Props) {
  const { draft } = form;
  const own = at(draft.spec, "method.name");
  const names = [...catalog.policies, ...catalog.alternatives].map((one) => one.name);
  // What exists in the gradients alone has no product of its own to study.
  const beside = names.filter((name) => name !== own && name !== "exact" && name !== "meprop");
  const tick = (name: string) =>
    change({
      ...draft,
      others: draft.others.includes(name) ? draft.others.filter((one) => one !== name) : [...draft.others, name],
    });
  return (
    <>
      <section className="card block">
        <h2>Product</h2>
        <div className="fields">
          <SchemaFields fields={outline.main.filter(({ name }) => !METHOD.includes(name))} form={form} />
        </div>
      </section>
      <section className="card block">
        <h2>Method</h2>
        <div className="fields">
          <SchemaFields fields={outline.main.filter(({ name }) => METHOD.includes(name))} form={form} />
        </div>
        <fieldset className="some">
          <legend>Beside it, each as it is by default</legend>
          {beside.map((name) => (
            <Flag
              key={name}
              label={name.replaceAll("_", " ")}
              checked={draft.others.includes(name)}
              onChange={() => tick(name)}
            />
          ))}
        </fieldset>
        {refused.map((said) => (
          <p key={said} className="field-error" role="alert">
            {said}
          </p>
        ))}
      </section>
      <details className="card block">
        <summary>Resources</summary>
        <div className="fields">
          <SchemaFields fields={outline.more} form={form} />
        </div>
      </details>
    </>
  );
}
