/* Fields of a form: label, control, and what is wrong with it right below. */

import { useId } from "react";
import type { ReactNode } from "react";

import { asList, asNumber, at } from "../lib/draft";
import type { Draft, Json } from "../lib/draft";

/** What ties a field to a path of the spec. */
export interface FieldProps {
  path: string;
  draft: Draft;
  set: (path: string, value: Json | undefined, text?: string) => void;
  error: string;
}

interface Labelled {
  label: string;
  error?: string;
  wide?: boolean;
  children: (id: string, described: { "aria-invalid"?: true; "aria-describedby"?: string }) => ReactNode;
}

export function Field({ label, error, wide, children }: Labelled) {
  const id = useId();
  const described = error ? ({ "aria-invalid": true, "aria-describedby": `${id}-error` } as const) : {};
  return (
    <div className={`field ${wide ? "wide" : ""}`}>
      <label htmlFor={id}>{label}</label>
      {children(id, described)}
      {error && (
        <p id={`${id}-error`} className="field-error">
          {error}
        </p>
      )}
    </div>
  );
}

export function TextField({
  label,
  value,
  onChange,
  error,
  wide,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  error?: string;
  wide?: boolean;
}) {
  return (
    <Field label={label} error={error} wide={wide}>
      {(id, described) => (
        <input id={id} value={value} onChange={(event) => onChange(event.target.value)} {...described} />
      )}
    </Field>
  );
}

export function NumberField({
  label,
  hint = "",
  path,
  draft,
  set,
  error,
  also = "",
  list = false,
}: FieldProps & { label: string; hint?: string; also?: string; list?: boolean }) {
  const value = at(draft.spec, path);
  const text =
    draft.texts[path] ?? (value === undefined ? "" : Array.isArray(value) ? value.join(", ") : String(value));
  return (
    <Field label={label} error={[error, also].filter(Boolean).join("; ")}>
      {(id, described) => (
        <input
          id={id}
          className="number"
          inputMode={list ? "text" : "decimal"}
          value={text}
          placeholder={hint}
          autoComplete="off"
          onChange={({ target }) => set(path, list ? asList(target.value) : asNumber(target.value), target.value)}
          {...described}
        />
      )}
    </Field>
  );
}

export function Choice({
  label,
  value,
  options,
  onChange,
  error,
}: {
  label: string;
  value: string;
  options: readonly string[];
  onChange: (value: string) => void;
  error?: string;
}) {
  return (
    <Field label={label} error={error}>
      {(id, described) => (
        <select id={id} value={value} onChange={(event) => onChange(event.target.value)} {...described}>
          {options.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      )}
    </Field>
  );
}
