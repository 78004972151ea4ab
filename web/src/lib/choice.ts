/* Which jobs the reader ticked, as the address has them: ids between commas. */

export function chosenIds(text: string): string[] {
  return text ? [...new Set(text.split(",").filter(Boolean))] : [];
}

/** More than these in an address are more than browsers and services like. */
export const MOST_CHOSEN = 500;

/** Tick several jobs, or untick them; up to as many as an address can hold. */
export function withMany(ids: readonly string[], many: readonly string[], isTicked: boolean): string | null {
  const next = isTicked ? [...new Set([...ids, ...many])].slice(0, MOST_CHOSEN) : ids.filter((id) => !many.includes(id));
  return next.length ? next.join(",") : null;
}

/** The ids from one row to another, both included; just the last where the first is not shown any more. */
export function rangeOf(shown: readonly string[], from: string | null, to: string): string[] {
  const [a, b] = [from === null ? -1 : shown.indexOf(from), shown.indexOf(to)];
  if (a < 0 || b < 0) return [to];
  return shown.slice(Math.min(a, b), Math.max(a, b) + 1);
}

interface Choosable {
  id: string;
  group: string;
}

/** Choose up to `most` jobs to begin with: one of every group first, then the next of each. */
export function firstChoice(jobs: readonly Choosable[], most: number): string[] {
  const groups = new Map<string, string[]>();
  for (const job of jobs) groups.set(job.group, [...(groups.get(job.group) ?? []), job.id]);
  const chosen: string[] = [];
  for (let round = 0; chosen.length < most; round += 1) {
    const ids = [...groups.values()].flatMap((members) => members[round] ?? []);
    if (ids.length === 0) break;
    chosen.push(...ids.slice(0, most - chosen.length));
  }
  return chosen;
}
