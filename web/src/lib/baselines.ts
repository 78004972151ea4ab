/* What a job is measured against: the mean of the exact jobs that succeeded with the same network, data set and
   training, as in Compare. Pure. */

import { policyOf } from "./policies";
import type { SpecLike } from "./specs";
import { mean } from "./statistics";

export interface BasedJob {
  id: string;
  state: string;
  spec: SpecLike | null;
  summary: Record<string, { last: number | null } | undefined>;
  device: string | null;
  time_caveat: string | null;
}

const twins = new WeakMap<object, string>();

/** What an exact job and its approximate twin agree in, as text; "" for a study, which has none. */
function twinKey(spec: object | null): string {
  if (!spec || !("training" in spec)) return "";
  const there = twins.get(spec);
  if (there !== undefined) return there;
  const { model, dataset, training } = spec as Record<string, unknown>;
  const key = JSON.stringify([model, dataset, training]);
  twins.set(spec, key);
  return key;
}

export class Baselines {
  private readonly jobs = new Map<string, BasedJob[]>();
  private readonly means = new Map<string, number | null>();
  private readonly ids = new Set<string>();

  /** Of jobs that may be any; each counts once, however often it comes. */
  constructor(jobs: readonly BasedJob[]) {
    for (const job of jobs) {
      const key = twinKey(job.spec);
      if (!key || this.ids.has(job.id) || job.state !== "succeeded" || policyOf(job.spec?.approximation) !== "exact") continue;
      this.ids.add(job.id);
      this.jobs.set(key, [...(this.jobs.get(key) ?? []), job]);
    }
  }

  /** Whether others are measured against this job. */
  has(job: { id: string }): boolean {
    return this.ids.has(job.id);
  }

  /** The exact jobs that this one is measured against. */
  of(job: { spec: object | null }): readonly BasedJob[] {
    return this.jobs.get(twinKey(job.spec)) ?? [];
  }

  /** Their mean of a metric; null where there is none. */
  mean(job: { spec: object | null }, metric: string): number | null {
    const key = `${metric}|${twinKey(job.spec)}`;
    let found = this.means.get(key);
    if (found === undefined) {
      found = mean(this.of(job).flatMap((one) => one.summary[metric]?.last ?? []));
      this.means.set(key, found);
    }
    return found;
  }
}
