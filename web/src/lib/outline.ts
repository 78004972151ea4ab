/* The fields that the form for a job has, from the catalog's schemas and what was chosen so far. Pure. */

import { at } from "./draft";
import type { Json, Spec } from "./draft";
import { fieldsOf, resolved, shownPaths } from "./schema";
import type { Field, Schema } from "./schema";

interface Offered {
  name: string;
  task?: string;
  summary?: string;
  parameters?: unknown;
}

export interface Source {
  models: readonly Offered[];
  datasets: readonly Offered[];
  policies: readonly Offered[];
  spec: unknown;
}

export interface RuleOutline {
  path: string;
  policy: string;
  fields: Field[];
}

export interface Outline {
  model: Field[];
  dataset: Field[];
  rules: RuleOutline[];
  training: Field[];
  more: Field[];
}

const ELSEWHERE = ["model", "dataset", "approximation", "training", "seed", "kind"];
const LENGTH = ["epochs", "steps"];
/** Options of data sets that texts have no place for. */
const OF_IMAGES = ["validation", "augmentation", "whiten"];

/** `gated`: whether the network has layers with gates, which rules may name. */
export function outlineOf(source: Source, spec: Spec, gated: boolean): Outline {
  const root = source.spec as Schema;
  const part = (name: string) => resolved(root.properties?.[name] ?? {}, root);
  const own = (list: readonly Offered[], name: Json | undefined, prefix: string): Field[] | null => {
    const schema = list.find((one) => one.name === name)?.parameters as Schema | undefined;
    return schema ? fieldsOf(schema, prefix) : null;
  };
  const rules = Array.isArray(spec.approximation) ? spec.approximation : [];
  const reads = source.models.find((one) => one.name === at(spec, "model.name"))?.task === "language-modelling";
  const rule = part("approximation").items ?? {};
  return {
    model: own(source.models, at(spec, "model.name"), "model") ?? [],
    dataset: (
      own(source.datasets, at(spec, "dataset.name"), "dataset") ?? fieldsOf(part("dataset"), "dataset", root)
    )
      .filter((field) => field.name !== "name" && !(reads && OF_IMAGES.includes(field.name)))
      .map((field) => (reads ? { ...field, label: field.label.replace("examples", "words") } : field)),
    rules: rules.map((one, i) => {
      const path = `approximation.${i}`;
      const fields = fieldsOf(rule, path, root).filter(({ name }) => hasUse(name, one, gated));
      return {
        path,
        policy: policyIn(one),
        fields: fields.map((field) => withShape(withPolicies(field, source.policies), spec)),
      };
    }),
    training: fieldsOf(part("training"), "training", root).filter(({ name }) => !LENGTH.includes(name)),
    more: fieldsOf(root, "").filter(({ name }) => !ELSEWHERE.includes(name)),
  };
}

/** Whether a field of a rule says anything beside what the rule says already. */
function hasUse(name: string, rule: Json, gated: boolean): boolean {
  if (name === "layers" || name === "policy") return true;
  if (policyIn(rule) === "exact") return false;
  if (name === "forward") return !isBackwardOnly(rule);
  if (name === "mode") return !BACKWARD_ONLY.includes(policyIn(rule));
  // Gates are there for networks that have some, and for a rule that names them.
  return name !== "gates" || gated || at(rule, "gates") !== undefined;
}

/** Policies that have no forward product to sample. */
const BACKWARD_ONLY = ["meprop"];

const policyIn = (rule: Json) => String(at(rule, "policy.name") ?? "");
const isBackwardOnly = (rule: Json) =>
  at(rule, "mode") === "backward_only" || BACKWARD_ONLY.includes(policyIn(rule));

/** Give each policy the parameters that it has, of all that a policy may have. */
export function withPolicies(field: Field, policies: readonly Offered[]): Field {
  if (field.kind !== "union") return field;
  const variants = field.variants.map((variant) => {
    const known = policies.find((one) => one.name === variant.name);
    if (!known) return variant;
    return { ...variant, help: known.summary ?? "", fields: fieldsOf((known.parameters ?? {}) as Schema, field.path) };
  });
  return { ...field, variants };
}

/** Fields of a schedule that only some shapes of it have. */
const OF_SHAPES: Record<string, readonly string[]> = {
  start: ["linear", "cosine", "step"],
  end_step: ["linear", "cosine"],
  milestones: ["step"],
};

const hasShape = (name: string, shape: Json | undefined) =>
  OF_SHAPES[name]?.includes(String(shape ?? "constant")) ?? true;

/** Offer of a schedule what its shape has, and what was written of it already. */
function withShape(field: Field, spec: Spec): Field {
  if (field.kind !== "part" || field.name !== "schedule") return field;
  const shape = at(spec, `${field.path}.shape`);
  const isSet = ({ path, hint }: Field) => String(at(spec, path) ?? hint) !== hint;
  const fields = field.fields.filter((one) => hasShape(one.name, shape) || isSet(one));
  return { ...field, fields };
}

/** Take from a schedule what its shape does not have. */
function withoutOtherShapes(schedule: Json | undefined): Json | undefined {
  if (schedule === null || typeof schedule !== "object" || Array.isArray(schedule)) return schedule;
  return Object.fromEntries(Object.entries(schedule).filter(([name]) => hasShape(name, schedule.shape)));
}

/** What an empty field of a spec means, where that is easily overlooked; "" where there is nothing to say. */
export function noteAt(spec: Spec, path: string): string {
  const [, rule] = /^(approximation\.\d+)\.forward$/.exec(path) ?? [];
  if (!rule || at(spec, path) !== undefined || at(spec, `${rule}.policy.coverage`) !== undefined) return "";
  const backward = at(spec, `${rule}.backward`) ?? 1;
  return backward === 1
    ? "Left empty it is 100\u202f%: nothing is approximated."
    : "Left empty it is 100\u202f%: the forward product is exact.";
}

/** Take what can't stay away from rules: an exact one keeps every pair, one for gradients alone has no forward ratio. */
export function settled(spec: Spec): Spec {
  if (!Array.isArray(spec.approximation)) return spec;
  const rules = spec.approximation.map((rule) => {
    const rest = { ...(rule as { [key: string]: Json }) };
    if (BACKWARD_ONLY.includes(policyIn(rule))) delete rest.mode;
    if (isBackwardOnly(rule)) delete rest.forward;
    const schedule = withoutOtherShapes(rest.schedule);
    if (schedule !== undefined) rest.schedule = schedule;
    return policyIn(rule) === "exact" ? { layers: rest.layers ?? "*", policy: rest.policy ?? null } : rest;
  });
  return { ...spec, approximation: rules };
}

export interface StudyOutline {
  main: Field[];
  more: Field[];
}

/** The fields of a study; its method is one of the policies or of the alternatives. */
export function studyOutline(source: Pick<Source, "policies"> & { study: unknown }): StudyOutline {
  const fields = fieldsOf(source.study as Schema, "").filter(({ name }) => !["kind", "seed"].includes(name));
  return {
    main: fields.filter(({ name }) => name !== "resources").map((field) => withPolicies(field, source.policies)),
    more: fields.filter(({ name }) => name === "resources"),
  };
}

/** Every path at which the form for a study can say what is wrong. */
export function studyPaths({ main, more }: StudyOutline, spec: Spec): string[] {
  return ["name", "seed", "axes.seed", ...shownPaths([...main, ...more], spec)];
}

/** Every path at which the form can say what is wrong. */
export function pathsOf(outline: Outline, spec: Spec): string[] {
  const { model, dataset, rules, training, more } = outline;
  const unit = at(spec, "training.steps") === undefined ? "epochs" : "steps";
  return [
    ...["model", "dataset", "approximation", "training", `training.${unit}`, "name", "seed", "axes.seed"],
    ...shownPaths([...model, ...dataset, ...training, ...more], spec),
    ...rules.flatMap(({ path, fields }) => [path, ...shownPaths(fields, spec)]),
  ];
}
