/* Fields of a form: label, control, and what is wrong with it right below. */

import { useId } from "react";
import type { InputHTMLAttributes, ReactNode } from "react";

import { asList, asNumber, at } from "../lib/draft";
import type { Draft, Json } from "../lib/draft";

/** What the fields of a form share: the draft, how to change it, and what was found wrong in it. */
export interface FormState {
  draft: Draft;
  /** Write a value; `text` is kept as it was typed. */
  set: (path: string, value: Json | undefined, text?: string) => void;
  /** Write a choice on which the fields beneath it depend: what was typed there is forgotten. */
  choose: (path: string, value: Json | undefined) => void;
  errorAt: (path: string) => string;
  /** What an empty field means, where that is easily overlooked. */
  noteAt: (path: string) => string;
}

interface Labelled {
  label: string;
  help?: string;
  error?: string;
  note?: string;
  wide?: boolean;
  children: (id: string, described: { "aria-invalid"?: true; "aria-describedby"?: string }) => ReactNode;
}

export function Field({ label, help, error, note, wide, children }: Labelled) {
  const id = useId();
  const described = error
    ? ({ "aria-invalid": true, "aria-describedby": `${id}-error` } as const)
    : note
      ? { "aria-describedby": `${id}-note` }
      : {};
  return (
    <div className={`field ${wide ? "wide" : ""}`}>
      <label htmlFor={id} title={help || undefined}>
        {label}
      </label>
      {children(id, described)}
      {error && (
        <p id={`${id}-error`} className="field-error">
          {error}
        </p>
      )}
      {note && !error && (
        <p id={`${id}-note`} className="field-note">
          {note}
        </p>
      )}
    </div>
  );
}

export function TextField({
  label,
  help,
  value,
  onChange,
  error,
  wide,
  hint = "",
  ...more
}: {
  label: string;
  help?: string;
  value: string;
  onChange: (value: string) => void;
  error?: string;
  wide?: boolean;
  hint?: string;
} & Pick<InputHTMLAttributes<HTMLInputElement>, "autoFocus" | "className" | "inputMode">) {
  return (
    <Field label={label} help={help} error={error} wide={wide}>
      {(id, described) => (
        <input
          id={id}
          {...more}
          value={value}
          placeholder={hint}
          autoComplete="off"
          onChange={(event) => onChange(event.target.value)}
          {...described}
        />
      )}
    </Field>
  );
}

export function NumberField({
  label,
  help,
  hint = "",
  path,
  form,
  list = false,
}: {
  label: string;
  help?: string;
  hint?: string;
  path: string;
  form: FormState;
  list?: boolean;
}) {
  const value = at(form.draft.spec, path) ?? undefined;
  const text =
    form.draft.texts[path] ?? (value === undefined ? "" : Array.isArray(value) ? value.join(", ") : String(value));
  return (
    <Field label={label} help={help} error={form.errorAt(path)} note={form.noteAt(path)}>
      {(id, described) => (
        <input
          id={id}
          className="number"
          inputMode={list ? "text" : "decimal"}
          value={text}
          placeholder={hint}
          autoComplete="off"
          onChange={({ target }) => form.set(path, list ? asList(target.value) : asNumber(target.value), target.value)}
          {...described}
        />
      )}
    </Field>
  );
}

export function Choice({
  label,
  help,
  value,
  options,
  onChange,
  error,
}: {
  label: string;
  help?: string;
  value: string;
  options: readonly (string | { value: string; label: string })[];
  onChange: (value: string) => void;
  error?: string;
}) {
  const listed = options.map((one) => (typeof one === "string" ? { value: one, label: one } : one));
  // What stands in the spec is shown even where the service knows no such thing: its error says so.
  if (!listed.some((one) => one.value === value)) listed.unshift({ value, label: value || "–" });
  return (
    <Field label={label} help={help} error={error}>
      {(id, described) => (
        <select id={id} value={value} onChange={(event) => onChange(event.target.value)} {...described}>
          {listed.map((one) => (
            <option key={one.value} value={one.value}>
              {one.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export function Flag({
  label,
  help,
  checked,
  onChange,
  error,
}: {
  label: string;
  help?: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
  error?: string;
}) {
  return (
    <div className="flag">
      <label className="check" title={help || undefined}>
        <input type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} />
        {label}
      </label>
      {error && <p className="field-error">{error}</p>}
    </div>
  );
}
