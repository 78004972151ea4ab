/* Jobs side by side: what was asked, what came out, where it ran; which rows are the same for all. Pure. */

import { fieldInWords, fieldsOf, pathsAmong } from "./fields";
import { NOT_FINITE, bytes, count, duration, large, metric as asMetric, percent, plain, points } from "./format";
import { isShare } from "./measures";

interface Attempted {
  number: number;
  state: string;
  worker: string;
  host: string;
  device: string | null;
  device_name: string | null;
  device_count: number | null;
  threads: number | null;
  versions: Record<string, string> | null;
  git_revision: string | null;
  environment: Record<string, string> | null;
  shared: boolean | null;
}

export interface DiffJob {
  id: string;
  state: string;
  owner: string;
  tags: readonly string[];
  reason: { kind: string } | null;
  started_at: string | null;
  finished_at: string | null;
  spec: object;
  summary: Record<string, { last: number | null } | undefined>;
  planned_compute_reduction: number | null;
  progress: { step: number; of: number | null };
  attempts: readonly Attempted[];
}

interface Fact {
  name: string;
  label: string;
  unit: string;
}

export interface Cell {
  text: string;
  /** How far it is off the base, where both are numbers. */
  off: string;
  isChanged: boolean;
}

export interface DiffRow {
  name: string;
  label: string;
  cells: Cell[];
  isEqual: boolean;
}

export interface Section {
  title: string;
  rows: DiffRow[];
}

export const MOST = 8;

/** The base first, the others in their order. */
export function withBase(ids: readonly string[], base: string): string[] {
  return ids.includes(base) ? [base, ...ids.filter((id) => id !== base)] : [...ids];
}

/** Set jobs side by side, the first of which is the base. */
export function sectionsOf(jobs: readonly DiffJob[], facts: readonly Fact[]): Section[] {
  return [
    { title: "Spec", rows: specRows(jobs) },
    { title: "Results", rows: resultRows(jobs, facts) },
    { title: "Environment", rows: surroundings(jobs) },
  ].filter(({ rows }) => rows.length > 0);
}

function rowOf(name: string, texts: readonly string[], { label = name, off = [] as readonly string[] } = {}): DiffRow {
  const [base = ""] = texts;
  const cells = texts.map((text, i) => ({ text, off: text === base ? "" : (off[i] ?? ""), isChanged: text !== base }));
  return { name, label, cells, isEqual: cells.every((cell) => !cell.isChanged) };
}

function specRows(jobs: readonly DiffJob[]): DiffRow[] {
  const flats = jobs.map((job) => fieldsOf(job.spec));
  return pathsAmong(jobs.map((job) => job.spec)).map((path) =>
    rowOf(
      path,
      // What one spec has no place for is another thing than what it leaves empty.
      flats.map((flat) => (flat.has(path) ? fieldInWords(flat.get(path) ?? "empty") : "–")),
    ),
  );
}

function resultRows(jobs: readonly DiffJob[], facts: readonly Fact[]): DiffRow[] {
  const took = (job: DiffJob) =>
    job.started_at && job.finished_at ? (Date.parse(job.finished_at) - Date.parse(job.started_at)) / 1000 : null;
  const rows = [
    rowOf("state", jobs.map((job) => (job.reason ? `${job.state}, ${job.reason.kind.replaceAll("_", " ")}` : job.state)), { label: "State" }),
    rowOf("steps", jobs.map(({ progress: { step, of } }) => (of === null || of === step ? count(step) : `${count(step)} of ${count(of)}`)), {
      label: "Steps",
    }),
    rowOf("duration", jobs.map((job) => duration(took(job))), { label: "Duration" }),
    rowOf("planned", jobs.map((job) => percent(job.planned_compute_reduction)), { label: "Compute reduction, planned" }),
  ];
  for (const fact of facts) {
    const values = jobs.map((job) => job.summary[fact.name]);
    if (fact.name === "planned_compute_reduction" || values.every((value) => value === undefined)) continue;
    const lasts = values.map((value) => (value === undefined ? null : (value.last ?? NaN)));
    rows.push(rowOf(fact.name, lasts.map((value) => said(fact, value)), { label: fact.label, off: offBase(fact, lasts) }));
  }
  return rows;
}

function said({ name, unit }: Fact, value: number | null): string {
  if (value === null) return "–";
  if (Number.isNaN(value)) return NOT_FINITE;
  if (isShare(name)) return percent(value, 2);
  if (unit === "bytes") return bytes(value);
  if (name === "macs") return large(value);
  return unit === "s" ? `${asMetric(value)} s` : asMetric(value);
}

/** By how much each is off the first: in points of a share, in per cent of anything else. */
function offBase({ name }: Fact, values: readonly (number | null)[]): string[] {
  const [base = null] = values;
  return values.map((value) => {
    if (value === null || base === null || !Number.isFinite(value) || !Number.isFinite(base)) return "";
    if (isShare(name)) return `${points(value - base)} points`;
    if (base === 0) return "";
    const ratio = (value - base) / Math.abs(base);
    return Math.abs(ratio) >= 10 ? `${plain(value / base, 0)} ×` : `${points(ratio, 1)}\u202f%`;
  });
}

/** Where the last attempt of each ran. */
function surroundings(jobs: readonly DiffJob[]): DiffRow[] {
  const found = jobs.map((job) => factsOf(job.attempts.at(-1)));
  const names = [...new Set(found.flatMap((one) => Object.keys(one)))];
  return names.map((name) => rowOf(name, found.map((one) => one[name] ?? "–")));
}

function factsOf(attempt: Attempted | undefined): Record<string, string> {
  if (!attempt) return {};
  const { device_count, threads, shared } = attempt;
  const facts: Record<string, string | null> = {
    device: attempt.device_name ?? attempt.device,
    devices: device_count === null ? null : String(device_count),
    threads: threads === null ? null : String(threads),
    "others ran beside it": shared === null ? null : shared ? "yes" : "no",
    host: attempt.host,
    worker: attempt.worker,
    attempt: String(attempt.number),
    ...Object.fromEntries(Object.entries(attempt.versions ?? {}).map(([name, version]) => [`version of ${name}`, version])),
    "git revision": attempt.git_revision,
    ...attempt.environment,
  };
  return Object.fromEntries(Object.entries(facts).filter((pair): pair is [string, string] => pair[1] !== null));
}
