/* A spec that is being typed. What can't be read as a number is sent as it stands, and the service says at which
   field that is wrong: the rules for specs live there alone. */

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type Spec = { [key: string]: Json };

export interface Draft {
  name: string;
  spec: Spec;
  /** Typed text per path, kept as typed. */
  texts: Record<string, string>;
  seeds: string;
  /** Run the exact twin of every seed too. */
  withExact: boolean;
  /** Names of the methods that a study runs beside its own. */
  others: string[];
}

export const BLANK: Draft = {
  name: "",
  spec: {
    model: { name: "mlp", hidden: [200, 200] },
    dataset: { name: "digits" },
    approximation: [{ layers: "*", policy: { name: "topk" }, forward: 0.4, backward: 1, min_samples: 1 }],
    training: { epochs: 30, batch_size: 50, optimizer: { name: "adam", lr: 0.002 } },
    seed: 0,
  },
  texts: {},
  seeds: "0, 1, 2",
  withExact: true,
  others: [],
};

export const BLANK_STUDY: Draft = {
  name: "",
  spec: {
    kind: "matmul_error",
    operation: { name: "matmul", m: 100, n: 100, p: 100 },
    distribution: { name: "normal", mean: 0, std: 1 },
    method: { name: "nps", replacement: true, scaled: true },
    draws: 1000,
    seed: 0,
  },
  texts: {},
  seeds: "0",
  withExact: false,
  others: ["topk", "bernoulli"],
};

export const isStudyDraft = (draft: Draft) => draft.spec.kind === "matmul_error";

/** Begin with a spec that is there: a preset, or a job to be cloned. */
export function draftOf(spec: Spec, name = ""): Draft {
  const kept = named(pruned(spec) as Spec);
  const seed = typeof kept.seed === "number" ? kept.seed : 0;
  const samples = Array.isArray(kept.approximation) && kept.approximation.length > 0;
  return { name, spec: kept, texts: {}, seeds: String(seed), withExact: samples, others: [] };
}

/** Leave out nulls: they say "as by default". */
function pruned(value: Json): Json {
  if (Array.isArray(value)) return value.map(pruned);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== null)
      .map(([key, one]) => [key, pruned(one)]),
  );
}

/** Write every policy that is just its name as an object, so that its parameters have a place. */
export function named(spec: Spec): Spec {
  const rules = spec.approximation;
  if (!Array.isArray(rules)) return spec;
  const written = rules.map((rule) =>
    typeof at(rule, "policy") === "string" ? put(rule, "policy", { name: at(rule, "policy") ?? "" }) : rule,
  );
  return { ...spec, approximation: written };
}

/** Typed texts but for those at a path and beneath it. */
export function forgotten(texts: Record<string, string>, path: string): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).filter(([at]) => at !== path && !at.startsWith(`${path}.`)));
}

/** Read a dotted path; numbers are places in a list. */
export function at(value: Json | undefined, path: string): Json | undefined {
  let place: Json | undefined = value;
  for (const part of path.split(".")) {
    if (Array.isArray(place)) place = place[Number(part)];
    else if (place !== null && typeof place === "object") place = place[part];
    else return undefined;
  }
  return place;
}

/** Write at a dotted path and give a new value; undefined takes the key away. */
export function put<T extends Json>(value: T, path: string, next: Json | undefined): T {
  const [first = "", ...rest] = path.split(".");
  const tail = rest.join(".");
  if (Array.isArray(value)) {
    const list = [...value];
    const place = Number(first);
    if (tail) list[place] = put(list[place] ?? {}, tail, next);
    else if (next === undefined) list.splice(place, 1);
    else list[place] = next;
    return list as T;
  }
  const { [first]: there, ...others } = value as { [key: string]: Json };
  const placed = tail ? put(there ?? {}, tail, next) : next;
  return (placed === undefined ? others : { ...(value as { [key: string]: Json }), [first]: placed }) as T;
}

/** Read a number; nothing typed means "as by default", anything else stays text. */
export function asNumber(text: string): Json | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const value = Number(trimmed);
  return Number.isFinite(value) ? value : trimmed;
}

/** Read numbers between commas or spaces. */
export function asList(text: string): Json | undefined {
  const parts = text.split(/[\s,]+/).filter(Boolean);
  return parts.length ? parts.map((part) => asNumber(part) ?? part) : undefined;
}

/** Read seeds: `0, 1, 2` or `0-4`; null where something else stands. */
export function asSeeds(text: string): number[] | null {
  const seeds: number[] = [];
  for (const part of text.split(/[\s,]+/).filter(Boolean)) {
    const range = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (!range) return null;
    const from = Number(range[1]);
    const to = Number(range[2] ?? range[1]);
    // Beyond what a number holds exactly there is no next one.
    if (to < from || to - from >= 1000 || !Number.isSafeInteger(to)) return null;
    for (let seed = from; seed <= to; seed += 1) seeds.push(seed);
  }
  return seeds.length ? [...new Set(seeds)] : null;
}

export interface Submission {
  kind: "job" | "sweep";
  count: number;
  body: Spec;
}

/** The exact twin and what is compared with it. */
function twinsOf(draft: Draft): Json[] {
  const rules = draft.spec.approximation ?? [];
  const twin = draft.withExact && Array.isArray(rules) && rules.length > 0;
  return twin ? [{ approximation: [] }, { approximation: rules }] : [];
}

/** A study's own method and those beside it. */
function methodsOf(draft: Draft): Json[] {
  const { method = "nps" } = draft.spec;
  const others = draft.others.filter((name) => name !== at(method, "name"));
  return others.length ? [{ method }, ...others.map((name) => ({ method: { name } }))] : [];
}

/** The specs of the methods beside a study's own, each under its name: the service can refuse each by itself. */
export function besides(draft: Draft): { name: string; spec: Spec }[] {
  if (!isStudyDraft(draft)) return [];
  return methodsOf(draft)
    .slice(1)
    .map((variant) => ({
      name: String(at(variant, "method.name")),
      spec: { ...draft.spec, ...(variant as Spec) },
    }));
}

/** Whether two values say the same, whatever the order of their keys. */
export function isSame(one: Json | undefined, other: Json | undefined): boolean {
  return sorted(one) === sorted(other);
}

function sorted(value: Json | undefined): string | undefined {
  return JSON.stringify(value, (_key, inside: unknown) =>
    inside !== null && typeof inside === "object" && !Array.isArray(inside)
      ? Object.fromEntries(Object.entries(inside).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inside,
  );
}

/** What to send: one job, or a sweep over seeds with the exact twin beside it. Null while the seeds can't be read. */
export function submission(draft: Draft): Submission | null {
  const seeds = asSeeds(draft.seeds);
  if (!seeds) return null;
  const variants = isStudyDraft(draft) ? methodsOf(draft) : twinsOf(draft);
  if (seeds.length === 1 && variants.length === 0) {
    return { kind: "job", count: 1, body: { name: draft.name, spec: { ...draft.spec, seed: seeds[0] ?? 0 } } };
  }
  const base = { ...draft.spec };
  delete base.seed;
  return {
    kind: "sweep",
    count: seeds.length * Math.max(1, variants.length),
    body: { name: draft.name, base, axes: { seed: seeds }, variants },
  };
}
