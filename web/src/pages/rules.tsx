/* The rules of a spec: a row each, with the parameters that its policy has. */

import type { FormState } from "../components/Fields";
import { PolicyMark } from "../components/Marks";
import { SchemaFields } from "../components/SchemaFields";
import { at } from "../lib/draft";
import type { Json } from "../lib/draft";
import type { RuleOutline } from "../lib/outline";

const FRESH: Json = { layers: "*", policy: { name: "topk" }, forward: 0.4, backward: 1, min_samples: 1 };

export function Rules({ rules, form }: { rules: readonly RuleOutline[]; form: FormState }) {
  const add = () => {
    const there = at(form.draft.spec, "approximation");
    form.set("approximation", [...(Array.isArray(there) ? there : []), FRESH]);
  };
  return (
    <>
      {rules.length === 0 && <p className="quiet">No rule: every product is exact.</p>}
      {rules.map((rule, i) => (
        <Rule key={rule.path} rule={rule} place={i} form={form} />
      ))}
      <button type="button" className="button" onClick={add}>
        Add a rule
      </button>
    </>
  );
}

function Rule({ rule, place, form }: { rule: RuleOutline; place: number; form: FormState }) {
  const remove = () => {
    const rules = at(form.draft.spec, "approximation") as Json[];
    // Texts belong to places in the list, and these move.
    form.choose("approximation", rules.toSpliced(place, 1));
  };
  const error = form.errorAt(rule.path);
  return (
    <div className="rule" role="group" aria-label={`Rule ${place + 1}`}>
      <PolicyMark policy={rule.policy} size={16} />
      <div className="fields">
        <SchemaFields fields={rule.fields} form={form} />
        <button type="button" className="link remove" onClick={remove} aria-label={`Remove rule ${place + 1}`}>
          Remove
        </button>
        {error && <p className="field-error whole">{error}</p>}
      </div>
    </div>
  );
}
