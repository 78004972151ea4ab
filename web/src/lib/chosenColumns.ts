/* Which columns a table has: those in the address, else those that a reader looks for first. Pure. */

import { DELTA, metricIn } from "./columns";
import type { Fact } from "./columns";
import { isStudy } from "./studies";
import { QUALITY, taskOf } from "./tasks";
import type { Task } from "./tasks";

interface Judged {
  model: string;
  dataset: string;
}
interface Tasked {
  name: string;
  task: Task;
}

/** What is read of every job, whichever columns are shown: so the usual ones are there at once. */
const USUAL_METRICS = [...Object.values(QUALITY).map((quality) => `best_test_${quality}`), "compute_reduction", "seconds"];
const OF_STUDIES = ["frobenius_error", "rms_error", "product_seconds"];

/** The metrics to ask of the service, in an order that hangs on nothing but the names. */
export function metricsFor(cols: string, sort: string, facts: readonly Fact[]): string[] {
  const known = facts.map((fact) => fact.name);
  const named = [...cols.split(","), sort.replace(/^-/, "")].flatMap((id) => metricIn(id, known) ?? []);
  return [...new Set([...USUAL_METRICS, ...OF_STUDIES, ...named])].sort();
}

/** State, result with its distance to exact, what was saved, time. */
export function usualColumns(jobs: readonly Judged[], datasets: readonly Tasked[] = []): string[] {
  const trained = jobs.filter((job) => !isStudy(job));
  const qualities = [...new Set(trained.map((job) => `best_test_${QUALITY[taskOf(job.dataset, datasets)]}`))].sort();
  const results = qualities.flatMap((quality) => [quality, `${DELTA}${quality}`]);
  const saved = trained.length || !jobs.length ? ["compute_reduction", "planned", "seconds"] : OF_STUDIES;
  return ["state", ...results, ...saved, "created"];
}

/** The columns of the address, each once; `none` is none at all, and an empty address the usual ones. */
export function columnsIn(cols: string, jobs: readonly Judged[], datasets: readonly Tasked[] = []): string[] {
  if (!cols) return usualColumns(jobs, datasets);
  return [...new Set(cols.split(",").filter((id) => id && id !== "none"))];
}
