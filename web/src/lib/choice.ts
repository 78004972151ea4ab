/* Which jobs the reader ticked, as the address has them: ids between commas. */

export function chosenIds(text: string): string[] {
  return text ? [...new Set(text.split(",").filter(Boolean))] : [];
}

/** Tick a job, or untick it. */
export function withChosen(ids: readonly string[], id: string): string | null {
  const next = ids.includes(id) ? ids.filter((one) => one !== id) : [...ids, id];
  return next.length ? next.join(",") : null;
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
