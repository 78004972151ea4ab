/* Fields as the catalog's JSON schemas ask for them: what the service gains appears here by itself. */

import { at } from "../lib/draft";
import type { Json } from "../lib/draft";
import { chosenOf, isThere } from "../lib/schema";
import type { Field } from "../lib/schema";
import { Choice, Flag, NumberField, TextField } from "./Fields";
import type { FormState } from "./Fields";

export function SchemaFields({ fields, form }: { fields: readonly Field[]; form: FormState }) {
  return fields.map((field) => <SchemaField key={field.path} field={field} form={form} />);
}

function SchemaField({ field, form }: { field: Field; form: FormState }) {
  const { path, label, help, hint } = field;
  const value = at(form.draft.spec, path) ?? undefined;
  const error = form.errorAt(path);
  const common = { label, help, error };
  switch (field.kind) {
    case "number":
    case "list":
      return <NumberField {...{ label, help, hint, path, form }} list={field.kind === "list"} />;
    case "text":
      return (
        <TextField
          {...common}
          hint={hint}
          value={value === undefined ? "" : String(value)}
          onChange={(text) => form.set(path, text === "" ? undefined : text)}
        />
      );
    case "flag":
      return (
        <Flag
          {...common}
          checked={value === undefined ? hint === "true" : value === true}
          onChange={(on) => form.set(path, String(on) === hint ? undefined : on)}
        />
      );
    case "choice":
      return (
        <Choice
          {...common}
          value={value === undefined ? hint : String(value)}
          options={field.optional ? [{ value: "", label: "–" }, ...field.options.map(alike)] : field.options.map(alike)}
          onChange={(one) => form.set(path, one === "" ? undefined : one)}
        />
      );
    case "set":
      return <Some field={field} value={value} form={form} />;
    case "union":
      return <Union field={field} form={form} />;
    case "part":
      return <Part field={field} form={form} />;
  }
}

const alike = (value: string) => ({ value, label: inWords(value) });

/** `backward_only` -> backward only. */
function inWords(value: string): string {
  return value.replaceAll("_", " ");
}

/** Any of a few values; none ticked means that nothing was said. */
function Some({ field, value, form }: { field: Field & { kind: "set" }; value: Json | undefined; form: FormState }) {
  const ticked = Array.isArray(value) ? value.map(String) : [];
  const tick = (one: string) => {
    const next = field.options.filter((option) => (option === one) !== ticked.includes(option));
    form.set(field.path, next.length ? next : undefined);
  };
  const error = form.errorAt(field.path);
  return (
    <fieldset className="some" title={field.help || undefined}>
      <legend>{field.label}</legend>
      {field.options.map((one) => (
        <label key={one} className="check">
          <input type="checkbox" checked={ticked.includes(one)} onChange={() => tick(one)} />
          {inWords(one)}
        </label>
      ))}
      {error && <p className="field-error">{error}</p>}
    </fieldset>
  );
}

function Union({ field, form }: { field: Field & { kind: "union" }; form: FormState }) {
  const chosen = chosenOf(field, form.draft.spec);
  const variant = field.variants.find((one) => one.name === chosen);
  const options = field.variants.map((one) => alike(one.name));
  return (
    <>
      <Choice
        label={field.label}
        help={variant?.help || field.help}
        error={form.errorAt(field.path)}
        value={chosen}
        options={field.optional ? [{ value: "", label: "none" }, ...options] : options}
        onChange={(name) => form.choose(field.path, name ? { [field.tag]: name } : undefined)}
      />
      <SchemaFields fields={variant?.fields ?? []} form={form} />
    </>
  );
}

function Part({ field, form }: { field: Field & { kind: "part" }; form: FormState }) {
  const there = isThere(field, form.draft.spec);
  const error = form.errorAt(field.path);
  const fields = <SchemaFields fields={there ? field.fields : []} form={form} />;
  if (!field.optional) {
    return (
      <>
        {fields}
        {error && <p className="field-error">{error}</p>}
      </>
    );
  }
  return (
    <>
      <Flag
        label={field.label}
        help={field.help}
        checked={there}
        error={error}
        onChange={(on) => form.choose(field.path, on ? {} : undefined)}
      />
      {fields}
    </>
  );
}
