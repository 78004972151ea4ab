/* What a view is about: ticked jobs, else the chosen sweep, else the newest one, else the newest jobs. */

export interface Scope {
  jobs?: string[];
  sweep?: string;
}

export function scopeOf(
  ticked: readonly string[],
  sweep: string,
  newestSweep: string | undefined,
  jobs: readonly string[],
): Scope {
  if (ticked.length) return { jobs: [...ticked] };
  if (sweep) return { sweep };
  if (newestSweep) return { sweep: newestSweep };
  return { jobs: [...jobs] };
}
