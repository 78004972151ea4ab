/* The parts of the form that repeat: parameters as the catalog lists them, and rules. */

import type { Catalog } from "../api/client";
import { Choice, NumberField, TextField } from "../components/Fields";
import type { FieldProps } from "../components/Fields";
import { PolicyMark } from "../components/Marks";
import { at, put } from "../lib/draft";
import type { Draft, Json } from "../lib/draft";

interface Property {
  title?: string;
  type?: string;
  default?: Json;
}

/** Fields for the parameters that a network or an optimizer has, as the service's schema lists them. */
export function parameterFields(schema: unknown, prefix: string, field: (path: string) => FieldProps, only?: string[]) {
  const properties = (schema as { properties?: Record<string, Property> } | undefined)?.properties ?? {};
  return Object.entries(properties)
    .filter(
      ([name, { type }]) =>
        (type === "number" || type === "integer" || type === "array") && (only?.includes(name) ?? true),
    )
    .map(([name, property]) => {
      const hint = Array.isArray(property.default) ? property.default.join(", ") : String(property.default ?? "");
      const label = (property.title ?? name).toLowerCase().replace(/^./, (first) => first.toUpperCase());
      return (
        <NumberField
          key={`${prefix}.${name}`}
          label={label === "Lr" ? "Learning rate" : label}
          hint={hint}
          list={property.type === "array"}
          {...field(`${prefix}.${name}`)}
        />
      );
    });
}

interface RulesProps {
  catalog: Catalog;
  rules: Json[];
  draft: Draft;
  field: (path: string) => FieldProps;
  errorAt: (...paths: string[]) => string;
  set: FieldProps["set"];
  change: (draft: Draft) => void;
}

/** A row per rule. A plain function, so that the form knows which errors found their field. */
export function ruleRows({ catalog, rules, draft, field, errorAt, set, change }: RulesProps) {
  const add = () => {
    const rule: Json = { layers: "*", policy: { name: "topk" }, forward: 0.4, backward: 1, min_samples: 1 };
    change({ ...draft, spec: put(draft.spec, "approximation", [...rules, rule]) });
  };
  const remove = (place: number) => {
    // Texts belong to places in the list, and these move.
    const texts = Object.fromEntries(
      Object.entries(draft.texts).filter(([path]) => !path.startsWith("approximation.")),
    );
    change({ ...draft, spec: put(draft.spec, `approximation.${place}`, undefined), texts });
  };
  return (
    <>
      {rules.length === 0 && <p className="quiet">No rule: every product is exact.</p>}
      {rules.map((rule, i) => {
        const path = `approximation.${i}`;
        const policy = at(rule, "policy.name") ?? at(rule, "policy");
        const options =
          catalog.policies.find((one) => one.name === policy)?.scales === "optional" ? ["replacement", "scaled"] : [];
        const choose = (name: string) => {
          const chosen = put(rule, "policy", { name });
          const next = name === "exact" ? put(put(chosen, "forward", undefined), "backward", undefined) : chosen;
          change({ ...draft, spec: put(draft.spec, path, next), texts: {} });
        };
        return (
          <div key={path} className="rule" role="group" aria-label={`Rule ${i + 1}`}>
            <PolicyMark policy={String(policy)} size={16} />
            <TextField
              label="Layers"
              value={String(at(rule, "layers") ?? "")}
              onChange={(text) => set(`${path}.layers`, text)}
              error={errorAt(`${path}.layers`, path)}
            />
            <Choice
              label="Policy"
              value={String(policy)}
              options={catalog.policies.map((one) => one.name)}
              onChange={choose}
              error={errorAt(`${path}.policy`, `${path}.policy.name`)}
            />
            {policy !== "exact" && (
              <>
                <NumberField label="Forward ratio" hint="1" {...field(`${path}.forward`)} />
                <NumberField label="Backward ratio" hint="1" {...field(`${path}.backward`)} />
                <NumberField label="Least pairs" hint="10" {...field(`${path}.min_samples`)} />
              </>
            )}
            {options.map((option) => (
              <label key={option} className="check">
                <input
                  type="checkbox"
                  checked={at(rule, `policy.${option}`) === true}
                  onChange={(event) => set(`${path}.policy.${option}`, event.target.checked)}
                />
                {option}
              </label>
            ))}
            <button type="button" className="link remove" onClick={() => remove(i)} aria-label={`Remove rule ${i + 1}`}>
              Remove
            </button>
          </div>
        );
      })}
      <button type="button" className="button" onClick={add}>
        Add a rule
      </button>
    </>
  );
}
