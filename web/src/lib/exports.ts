/* Where the service hands out full data, never reduced. Pure. */

interface Filter {
  sweep?: string;
  text?: string;
  state?: string;
}

/** The address of all that a filter finds, or of the jobs named. */
export function exportPath(of: Filter | readonly string[], table: "jobs" | "points"): string {
  const query = new URLSearchParams({ table, format: "csv" });
  if (isIds(of)) for (const id of of) query.append("job", id);
  else
    for (const key of ["sweep", "text", "state"] as const) {
      const value = of[key];
      if (value) query.append(key, value);
    }
  return `/api/v1/export?${query.toString()}`;
}

function isIds(of: Filter | readonly string[]): of is readonly string[] {
  return Array.isArray(of);
}
