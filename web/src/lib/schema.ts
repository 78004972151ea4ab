/* JSON schemas of the catalog as fields of a form, whatever the service has to fill in. Pure.

   A field knows its path in the spec and how it is filled in; what a field holds is checked by the service alone. What
   can't be shown as a field (free mappings) is left to the YAML beside the form. */

import { at } from "./draft";
import type { Json } from "./draft";

export interface Schema {
  type?: string;
  title?: string;
  description?: string;
  default?: Json;
  const?: Json;
  enum?: Json[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  discriminator?: { propertyName?: string };
  $ref?: string;
  $defs?: Record<string, Schema>;
}

interface Common {
  path: string;
  name: string;
  label: string;
  /** What the service says of it. */
  help: string;
  /** What holds while nothing is typed; "" if that can't be said in a word. */
  hint: string;
  /** May be left out altogether, by the schema's own null. */
  optional: boolean;
}

export type Field = Common &
  (
    | { kind: "text" | "number" | "flag" }
    /** Values between commas. */
    | { kind: "list" }
    | { kind: "choice"; options: string[] }
    /** Some of a few. */
    | { kind: "set"; options: string[] }
    /** An object with fields of its own. */
    | { kind: "part"; fields: Field[] }
    /** One of several objects, told apart by the value of `tag`. */
    | { kind: "union"; tag: string; variants: Variant[]; first: string }
  );

export interface Variant {
  name: string;
  help: string;
  fields: Field[];
}

const LABELS: Record<string, string> = {
  lr: "Learning rate",
  eps: "Epsilon",
  forward: "Forward ratio",
  backward: "Backward ratio",
  min_samples: "Least pairs",
  validation: "Validation examples",
  train_limit: "Training examples at most",
  clip_norm: "Clip gradient norm",
  every_steps: "Report every, steps",
  probe_every_steps: "Probe every, steps",
  checkpoint_every_s: "Checkpoint every, s",
  kind: "Kind of device",
  m: "m",
  n: "n",
  p: "p",
  distribution: "Entries",
  distribution_b: "Entries of the second factor",
};

/** Fields for the properties of an object, in the schema's order; constants are chosen already. */
export function fieldsOf(schema: Schema, prefix: string, root: Schema = schema): Field[] {
  const { properties = {} } = resolved(schema, root);
  return Object.entries(properties).flatMap(([name, part]) => {
    const field = fieldOf(part, prefix ? `${prefix}.${name}` : name, name, root);
    return field ? [field] : [];
  });
}

/** Look a definition up; what stands beside the reference holds before what it refers to. */
export function resolved(schema: Schema, root: Schema): Schema {
  const only = schema.allOf?.length === 1 ? schema.allOf[0] : undefined;
  const reference = schema.$ref ?? only?.$ref;
  if (!reference) return schema;
  const name = reference.slice(reference.lastIndexOf("/") + 1);
  const beside = { ...schema };
  delete beside.$ref;
  delete beside.allOf;
  return { ...resolved(root.$defs?.[name] ?? {}, root), ...beside };
}

function fieldOf(written: Schema, path: string, name: string, root: Schema): Field | null {
  const schema = resolved(written, root);
  const choices = alternatives(schema, root);
  const objects = choices.filter((one) => one.properties);
  // Beside objects with a name, a name alone is short for one of them.
  const kept = choices.filter((one) => one.type !== "null" && !(objects.length && one.enum));
  const [only] = kept;
  if (!only || only.const !== undefined) return null;
  const common: Common = {
    path,
    name,
    label: labelOf(name),
    help: schema.description ?? only.description ?? "",
    hint: hintOf(schema.default),
    optional: choices.some((one) => one.type === "null"),
  };
  if (kept.length === 1 && !(choices.length > kept.length && tagOf(kept))) {
    const kind = kindOf(only, path, root);
    return kind && ({ ...common, ...kind } as Field);
  }
  const tag = schema.discriminator?.propertyName ?? tagOf(kept);
  if (tag) {
    const variants = kept.flatMap((one) => {
      const own = one.properties?.[tag];
      const fields = fieldsOf(one, path, root).filter((field) => field.name !== tag);
      const names = own?.enum ?? [own?.const ?? ""];
      return names.map((name) => ({ name: String(name), help: sentence(one.description), fields }));
    });
    const said = typeof schema.default === "string" ? schema.default : at(schema.default, tag);
    const first = said ?? (common.optional ? "" : variants[0]?.name);
    return { ...common, hint: "", kind: "union", tag, variants, first: String(first ?? "") };
  }
  // Several plain types: typed as text, read as a number where it is one.
  return kept.some((one) => one.properties) ? null : { ...common, kind: "number" };
}

/** The alternatives of a schema, and those of each of them. */
function alternatives(schema: Schema, root: Schema): Schema[] {
  const several = schema.anyOf ?? schema.oneOf;
  return several ? several.flatMap((one) => alternatives(resolved(one, root), root)) : [schema];
}

function kindOf(schema: Schema, path: string, root: Schema) {
  if (schema.enum) return { kind: "choice", options: schema.enum.map(String) };
  switch (schema.type) {
    case "integer":
    case "number":
      return { kind: "number" };
    case "string":
      return { kind: "text" };
    case "boolean":
      return { kind: "flag" };
    case "array": {
      const items = resolved(schema.items ?? {}, root);
      if (items.properties) return null;
      return items.enum ? { kind: "set", options: items.enum.map(String) } : { kind: "list" };
    }
    case "object":
      return schema.properties ? { kind: "part", hint: "", fields: fieldsOf(schema, path, root) } : null;
    default:
      return null;
  }
}

/** The property that says in each object which it is: a constant, or its `name` with a few of them. */
function tagOf(objects: readonly Schema[]): string | undefined {
  const tells = (part: Schema | undefined, name: string) =>
    part?.const !== undefined || (name === "name" && part?.enum !== undefined);
  return Object.keys(objects[0]?.properties ?? {}).find((name) =>
    objects.every((one) => tells(one.properties?.[name], name)),
  );
}

export function labelOf(name: string): string {
  return LABELS[name] ?? name.replaceAll("_", " ").replace(/^./, (first) => first.toUpperCase());
}

function hintOf(value: Json | undefined): string {
  if (value === undefined || value === null) return "";
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "object" ? "" : String(value);
}

function sentence(text = ""): string {
  return text.split("\n")[0] ?? "";
}

/** The variant of a union that holds for a spec, "" for none. */
export function chosenOf(field: Field & { kind: "union" }, spec: Json): string {
  const value = at(spec, field.path);
  if (typeof value === "string") return value;
  return String(at(value, field.tag) ?? field.first);
}

/** Whether an optional part is there. */
export function isThere(field: Field & { kind: "part" }, spec: Json): boolean {
  return !field.optional || (at(spec, field.path) ?? null) !== null;
}

/** Every path that has a place in the form as it stands. */
export function shownPaths(fields: readonly Field[], spec: Json): string[] {
  return fields.flatMap((field) => {
    if (field.kind === "union") {
      const variant = field.variants.find((one) => one.name === chosenOf(field, spec));
      return [field.path, ...shownPaths(variant?.fields ?? [], spec)];
    }
    if (field.kind === "part" && isThere(field, spec)) return [field.path, ...shownPaths(field.fields, spec)];
    return [field.path];
  });
}

/** Give each message to the shown field that lies nearest above its path; "" takes what belongs nowhere. */
export function placed(errors: readonly { loc: string; msg: string }[], paths: Iterable<string>): Map<string, string[]> {
  const known = new Set(paths);
  const found = new Map<string, string[]>();
  for (const { loc, msg } of errors) {
    const parts = loc.split(".");
    let place = loc;
    while (place && !known.has(place)) {
      parts.pop();
      place = parts.join(".");
    }
    const said = place || !loc ? msg : `${loc}: ${msg}`;
    found.set(place, [...(found.get(place) ?? []), said]);
  }
  return found;
}
