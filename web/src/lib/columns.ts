/* The columns that a table of jobs can have, by their names in the address: facts of a job (`state`), metrics
   (`best_test_accuracy`), differences to exact (`delta.best_test_accuracy`) and fields of the spec by path
   (`training.optimizer.lr`). Pure. Past 200 lines: what a column reads and how it is said stand side by side. */

import type { Baselines } from "./baselines";
import type { BasedJob } from "./baselines";
import { fieldInWords, fieldsOf } from "./fields";
import { NOT_FINITE, ago, bytes, count, duration, large, metric as asMetric, plain, points, several } from "./format";
import { isShare } from "./measures";
import { deviation, mean } from "./statistics";
import { caveatOf, marked } from "./timing";

export interface TableJob extends BasedJob {
  seed: number;
  name: string;
  model: string;
  dataset: string;
  tags: readonly string[];
  owner: string;
  priority: number;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  planned_compute_reduction: number | null;
  progress: { step: number; of: number | null };
}

export interface Fact {
  name: string;
  label: string;
  unit: string;
  better: "higher" | "lower" | "none";
}

/** NaN: a value that was not finite; null: none. */
export type Raw = number | string | null;

export interface Cell {
  text: string;
  raw: Raw;
  /** What is said where the pointer rests; left out: the text. */
  title?: string;
  std?: number | null;
  n?: number;
  /** What a file of values says where that is not `raw`. */
  csv?: string;
}

export interface Column {
  id: string;
  label: string;
  isNumber: boolean;
  /** Pixels. */
  width: number;
  /** Whether groups tell mean and spread. */
  isAveraged: boolean;
  /** The metric that it needs of the service. */
  metric?: string;
  of: (jobs: readonly TableJob[]) => Cell;
}

export interface Terms {
  facts: readonly Fact[];
  baselines: Baselines;
  now: number;
}

const NONE = "–";
const TIMED = /(^|_)seconds$|^steps_per_s$/;

type Make = (terms: Terms) => Omit<Column, "id">;

const asText = (label: string, width: number, read: (job: TableJob) => string, many: string): Make => () => ({
  label,
  width,
  isNumber: false,
  isAveraged: false,
  of: (jobs) => common(jobs.map(read), many),
});

const asTime = (label: string, read: (job: TableJob) => string | null): Make => ({ now }) => ({
  label,
  width: 120,
  isNumber: true,
  isAveraged: false,
  of: (jobs) => {
    const times = jobs.flatMap((job) => read(job) ?? []).sort();
    const newest = times.at(-1) ?? null;
    if (newest === null) return { text: NONE, raw: null };
    return { text: ago(newest, now), raw: Date.parse(newest), csv: newest, title: new Date(newest).toLocaleString() };
  },
});

/** Facts of a job. */
const FACTS: Record<string, Make> = {
  state: () => ({
    label: "State",
    width: 150,
    isNumber: false,
    isAveraged: false,
    of: (jobs) => {
      const states = counted(jobs.map((job) => job.state));
      const text = states.length === 1 && states[0] ? states[0][0] : states.map(([state, n]) => `${n} ${state}`).join(", ");
      return { text, raw: text };
    },
  }),
  seed: () => ({
    label: "Seed",
    width: 90,
    isNumber: true,
    isAveraged: false,
    of: (jobs) => {
      const seeds = [...new Set(jobs.map((job) => job.seed))].sort((a, b) => a - b);
      const [first = null] = seeds;
      const isRun = seeds.length > 2 && seeds.every((seed, i) => seed === (first ?? 0) + i);
      return { text: isRun ? `${first}–${seeds.at(-1)}` : seeds.join(", "), raw: first };
    },
  }),
  name: asText("Name", 200, (job) => job.name, "names"),
  owner: asText("Owner", 110, (job) => job.owner, "owners"),
  model: asText("Network", 110, (job) => job.model, "networks"),
  dataset: asText("Data set", 110, (job) => job.dataset, "data sets"),
  tags: asText("Tags", 150, (job) => job.tags.join(", "), "sets of tags"),
  device: asText("Device", 190, (job) => job.device ?? "", "kinds of device"),
  created: asTime("Created", (job) => job.created_at),
  started: asTime("Started", (job) => job.started_at),
  finished: asTime("Finished", (job) => job.finished_at),
  duration: ({ now }) => ({
    label: "Duration",
    width: 150,
    isNumber: true,
    isAveraged: true,
    of: (jobs) => {
      const lasted = (job: TableJob) =>
        job.started_at ? ((job.finished_at ? Date.parse(job.finished_at) : now) - Date.parse(job.started_at)) / 1000 : null;
      return averaged(jobs.map(lasted), duration, (middle, std) => `${duration(middle)} ± ${duration(std)}`);
    },
  }),
  steps: () => ({
    label: "Steps",
    width: 130,
    isNumber: true,
    isAveraged: false,
    of: (jobs) => {
      const [least, most] = [Math.min(...jobs.map((job) => job.progress.step)), Math.max(...jobs.map((job) => job.progress.step))];
      const of = jobs[0]?.progress.of ?? null;
      const done = least === most ? count(most) : `${count(least)}–${count(most)}`;
      return { text: of === null || least === of ? done : `${done} of ${count(of)}`, raw: most };
    },
  }),
  planned: () => ({
    label: "Compute reduction, planned, %",
    width: 150,
    isNumber: true,
    isAveraged: false,
    of: (jobs) => {
      const middle = mean(jobs.flatMap((job) => job.planned_compute_reduction ?? []));
      return { text: middle === null ? NONE : plain(middle * 100, 1), raw: middle };
    },
  }),
  priority: () => ({
    label: "Priority",
    width: 90,
    isNumber: true,
    isAveraged: false,
    of: (jobs) => {
      const [first = 0] = jobs.map((job) => job.priority);
      const isSame = jobs.every((job) => job.priority === first);
      return isSame ? { text: plain(first, 0), raw: first } : { text: "several", raw: first };
    },
  }),
};

/** Facts of a job that can be shown, with what they are called. */
export const factColumns = (terms: Terms): { id: string; label: string }[] =>
  Object.entries(FACTS).map(([id, make]) => ({ id, label: make(terms).label }));

export const DELTA = "delta.";

/** The metric that a column needs of the service, if it is one of these. */
export function metricIn(id: string, metrics: readonly string[]): string | null {
  const name = id.startsWith(DELTA) ? id.slice(DELTA.length) : id;
  return metrics.includes(name) ? name : null;
}

/** The column of a name. What is neither fact nor metric is a path of the spec. */
export function columnOf(id: string, terms: Terms): Column {
  const make = Object.hasOwn(FACTS, id) ? FACTS[id] : undefined;
  if (make) return { id, ...make(terms) };
  const metric = metricIn(id, terms.facts.map((fact) => fact.name));
  const fact = terms.facts.find((one) => one.name === metric);
  if (fact) return { id, ...(id.startsWith(DELTA) ? deltaColumn(fact, terms) : metricColumn(fact)) };
  return {
    id,
    label: id,
    width: Math.min(220, Math.max(96, 8 * id.length)),
    isNumber: false,
    isAveraged: false,
    of: (jobs) => ofField(id, jobs),
  };
}

function ofField(path: string, jobs: readonly TableJob[]): Cell {
  const values = [...new Set(jobs.map((job) => fieldsOf(job.spec).get(path)))];
  const texts = [...new Set(values.map(fieldInWords))];
  const [only] = values;
  if (texts.length === 1 && typeof only === "number") return { text: texts[0] ?? NONE, raw: only };
  const text = texts.join(" | ");
  return { text, raw: text === NONE ? null : text };
}

/** What is measured: a share in per cent, whatever else in its unit. */
function metricColumn(fact: Fact): Omit<Column, "id"> {
  const { name, label, unit } = fact;
  const isTimed = TIMED.test(name);
  return {
    label: isShare(name) ? `${label}, %` : unit === "s" ? `${label}, s` : label,
    width: 150,
    isNumber: true,
    isAveraged: true,
    metric: name,
    of: (jobs) => {
      const counting = thatCount(jobs);
      const { show, apart } = writing(fact);
      const cell = averaged(
        counting.map((job) => last(job, name)),
        show,
        (middle, std) => (apart ? `${show(middle)} ± ${show(std)}` : together(middle, std)),
      );
      if (jobs.length > counting.length)
        cell.title = `${cell.text}: of the ${counting.length} of ${jobs.length} jobs that have succeeded`;
      return isTimed && cell.raw !== null ? { ...cell, text: marked(cell.text, caveatOf(counting)) } : cell;
    },
  };
}

/** How much a metric is off exact: points of a share, per cent of anything else. */
function deltaColumn(fact: Fact, { baselines }: Terms): Omit<Column, "id"> {
  const { name } = fact;
  const inPoints = isShare(name);
  const isTimed = TIMED.test(name);
  return {
    label: `Δ ${fact.label}, ${inPoints ? "points" : "%"}`,
    width: 150,
    isNumber: true,
    isAveraged: true,
    metric: name,
    of: (jobs) => {
      const counting = thatCount(jobs);
      if (counting.length && counting.every((job) => baselines.has(job))) return { text: "baseline", raw: 0 };
      const [first] = counting;
      const exact = first ? baselines.of(first) : [];
      if (exact.length === 0)
        return { text: NONE, raw: null, title: "no exact job of the same network, data set and training has succeeded" };
      const off = counting.map((job) => {
        const [value, base] = [last(job, name), baselines.mean(job, name)];
        if (value === null || base === null) return null;
        return inPoints ? value - base : (value - base) / Math.abs(base);
      });
      const digits = inPoints ? 2 : 1;
      const cell = averaged(
        off,
        (value) => points(value, digits),
        (middle, std) => `${points(middle, digits)} ± ${plain(std * 100, digits)}`,
      );
      if (cell.raw === null) return cell;
      const title = `${cell.text} against the mean of ${several(exact.length, "exact job")}`;
      return { ...cell, title, text: isTimed ? marked(cell.text, caveatOf([...counting, ...exact])) : cell.text };
    },
  };
}

/** Who counts in a mean: those that succeeded; while none has, all. */
function thatCount(jobs: readonly TableJob[]): readonly TableJob[] {
  const done = jobs.filter((job) => job.state === "succeeded");
  return done.length ? done : jobs;
}

/** Null: never reported; NaN: reported, and not finite. */
function last(job: TableJob, name: string): number | null {
  const value = job.summary[name];
  return value === undefined ? null : (value.last ?? NaN);
}

/** How a value of a metric is written, and whether its unit stands with it. */
function writing({ name, unit }: Fact): { show: (value: number) => string; apart: boolean } {
  if (isShare(name)) return { show: (value) => plain(value * 100, name.endsWith("reduction") ? 1 : 2), apart: true };
  if (unit === "bytes") return { show: bytes, apart: true };
  if (name === "macs") return { show: large, apart: true };
  return { show: asMetric, apart: false };
}

/** Mean and spread with as many digits after the point. */
function together(middle: number, std: number): string {
  const text = asMetric(middle);
  const decimals = /^−?\d+(\.\d+)?$/.test(text) ? (text.split(".")[1]?.length ?? 0) : null;
  const fixed = decimals === null ? null : plain(std, Math.max(decimals, 1));
  return `${text} ± ${fixed === null || (Number(fixed) === 0 && std > 0) ? asMetric(Number(std.toPrecision(2))) : fixed}`;
}

/** One value as it is; several as mean ± spread (count). */
function averaged(
  values: readonly (number | null)[],
  show: (value: number) => string,
  both: (middle: number, std: number) => string,
): Cell {
  const finite = values.filter((value): value is number => value !== null && Number.isFinite(value));
  const odd = values.filter((value) => value !== null && !Number.isFinite(value)).length;
  const middle = mean(finite);
  if (middle === null)
    return odd ? { text: NOT_FINITE, raw: NaN, title: "the last value is not a number, or is infinite" } : { text: NONE, raw: null };
  if (values.length === 1) return { text: show(middle), raw: middle, n: 1, std: null };
  const std = deviation(finite);
  const text = `${std === null ? show(middle) : both(middle, std)} (${finite.length})`;
  return {
    text: odd ? `${text} + ${odd} ${NOT_FINITE}` : text,
    raw: middle,
    std,
    n: finite.length,
    ...(odd ? { title: `${text}; ${several(odd, "job")} more with a last value that is not finite` } : {}),
  };
}

/** The text that all have, or how many there are. */
function common(texts: readonly string[], many: string): Cell {
  const different = [...new Set(texts)];
  const [first = ""] = different;
  if (different.length === 1) return first ? { text: first, raw: first } : { text: NONE, raw: null };
  return { text: `${different.length} ${many}`, raw: first || null, title: different.filter(Boolean).slice(0, 20).join("\n") };
}

function counted(texts: readonly string[]): [string, number][] {
  const found = new Map<string, number>();
  for (const text of texts) found.set(text, (found.get(text) ?? 0) + 1);
  return [...found];
}

/** Keep the columns in which the jobs differ; all of them where there is nothing to differ from. */
export function differing(columns: readonly Column[], jobs: readonly TableJob[]): Column[] {
  if (jobs.length < 2) return [...columns];
  return columns.filter((column) => {
    const [first, ...rest] = jobs;
    if (!first) return true;
    const { text } = column.of([first]);
    return rest.some((job) => column.of([job]).text !== text);
  });
}
