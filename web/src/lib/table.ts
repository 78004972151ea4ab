/* The rows of a table of jobs: groups of the same settings with their members, or every job; sorted; as CSV. Pure. */

import type { Column, Raw, TableJob } from "./columns";
import { asCsv } from "./csv";
import { digest } from "./digest";
import { fieldInWords, fieldsOf, pathsAmong } from "./fields";
import { grouped } from "./groups";
import type { JobGroup } from "./groups";
import { inOrder } from "./policies";
import { howApart } from "./specs";

export interface Row<J extends TableJob> {
  /** Of the group, short enough for an address; of a job its id. */
  key: string;
  label: string;
  policy: string;
  /** Of the forward product. */
  ratio: number;
  jobs: readonly J[];
  /** 0: a group or a job that stands by itself; 1: a member of the group above. */
  depth: 0 | 1;
  /** Whether its members are shown; null: it is one job. */
  isOpen: boolean | null;
}

export interface Sort {
  by: string;
  isFalling: boolean;
}

/** `-seconds` -> by seconds, falling. */
export function sortIn(text: string): Sort | null {
  if (!text) return null;
  return text.startsWith("-") ? { by: text.slice(1), isFalling: true } : { by: text, isFalling: false };
}

/** What the next press on a head asks for: large numbers first, texts from A; then the other way round. */
export function nextSort(sort: Sort | null, column: { id: string; isNumber: boolean }): string {
  const isFalling = sort?.by === column.id ? !sort.isFalling : column.isNumber;
  return isFalling ? `-${column.id}` : column.id;
}

/** What a table is sorted by beside its columns: the label of its rows. */
export const BY_LABEL = "job";

const collator = new Intl.Collator("en", { numeric: true });

/** What is missing or not finite comes last, whichever way round. */
function compare(a: Raw, b: Raw, isFalling: boolean): number {
  const [ranks, rank] = [place(a), place(b)];
  if (ranks !== rank) return ranks - rank;
  const found =
    typeof a === "number" && typeof b === "number" ? a - b || 0 : collator.compare(String(a ?? ""), String(b ?? ""));
  return Number.isNaN(found) ? 0 : isFalling ? -found : found;
}

function place(raw: Raw): number {
  if (raw === null || raw === "") return 3;
  if (typeof raw === "number") return Number.isFinite(raw) ? 0 : 2;
  return 1;
}

function sorted<T>(items: readonly T[], read: (item: T) => Raw, isFalling: boolean): T[] {
  return items
    .map((item) => ({ item, raw: read(item) }))
    .sort((a, b) => compare(a.raw, b.raw, isFalling))
    .map(({ item }) => item);
}

/** Gather jobs, exact first; groups of one name are told apart by what sets them apart. */
export function groupsOf<J extends TableJob>(jobs: readonly J[]): JobGroup<J>[] {
  const groups = grouped(jobs, inOrder);
  const alike = new Map<string, JobGroup<J>[]>();
  for (const group of groups) alike.set(group.label, [...(alike.get(group.label) ?? []), group]);
  for (const same of alike.values()) {
    if (same.length < 2) continue;
    const flats = same.map((group) => fieldsOf(group.jobs[0]?.spec));
    const paths = pathsAmong(same.map((group) => group.jobs[0]?.spec)).filter(
      (path) => path !== "seed" && new Set(flats.map((flat) => fieldInWords(flat.get(path)))).size > 1,
    );
    same.forEach((group, i) => {
      const told = paths.slice(0, 3).map((path) => `${path.split(".").at(-1)} ${fieldInWords(flats[i]?.get(path))}`);
      group.label = [group.label, ...told].join(", ");
    });
  }
  return groups;
}

interface Asked {
  isFlat: boolean;
  sort: Sort | null;
  /** The column that the sort names; none for the label. */
  by: Column | null;
  open: ReadonlySet<string>;
}

/** The rows that are shown, top to bottom. */
export function rowsOf<J extends TableJob>(jobs: readonly J[], groups: readonly JobGroup<J>[], asked: Asked): Row<J>[] {
  const { isFlat, sort, by, open } = asked;
  const inRow = (rows: readonly Row<J>[]): Row<J>[] => {
    if (!sort) return [...rows];
    return sorted(rows, (row) => (by ? by.of(row.jobs).raw : row.label), sort.isFalling);
  };
  if (isFlat) {
    const told = howApart(jobs.map((job) => job.spec));
    return inRow(
      jobs.map((job, i) => {
        const { words = "", policy = "exact", ratio = 1 } = told[i] ?? {};
        return { key: job.id, label: `${words}, seed ${job.seed}`, policy, ratio, jobs: [job], depth: 0, isOpen: null };
      }),
    );
  }
  const heads = groups.map((group): Row<J> => {
    const [only] = group.jobs;
    const { label, policy, ratio } = group;
    if (group.jobs.length === 1 && only)
      return { key: only.id, label: `${label}, seed ${only.seed}`, policy, ratio, jobs: [only], depth: 0, isOpen: null };
    const key = digest(group.key);
    return { key, label, policy, ratio, jobs: group.jobs, depth: 0, isOpen: open.has(key) };
  });
  return inRow(heads).flatMap((row) => {
    if (!row.isOpen) return [row];
    const members = [...row.jobs]
      .sort((a, b) => a.seed - b.seed)
      .map((job): Row<J> => {
        return { ...row, key: job.id, label: `seed ${job.seed}`, jobs: [job], depth: 1, isOpen: null };
      });
    return [row, ...(sort && by ? inRow(members) : members)];
  });
}

/** The rows as they are shown, numbers in full: spread and count of a group in columns of their own. */
export function csvOf<J extends TableJob>(rows: readonly Row<J>[], columns: readonly Column[]): string {
  const spreads = rows.some((row) => row.jobs.length > 1);
  const head = [
    "row",
    "job",
    "jobs",
    ...columns.flatMap((column) =>
      column.isAveraged && spreads ? [column.id, `${column.id}.std`, `${column.id}.n`] : [column.id],
    ),
  ];
  const lines = rows.map((row) => {
    const [only] = row.jobs;
    const cells = columns.flatMap((column): (Raw | undefined)[] => {
      const cell = column.of(row.jobs);
      const raw = cell.csv ?? (typeof cell.raw === "string" ? cell.text : cell.raw);
      return column.isAveraged && spreads ? [raw, cell.std, cell.n] : [raw];
    });
    return [row.label, row.jobs.length === 1 ? (only?.id ?? "") : "", row.jobs.length, ...cells];
  });
  return asCsv(head, lines);
}
