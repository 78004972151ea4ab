/* Jobs that are the same but for their seed. */

import { how, howApart } from "./specs";
import type { SpecLike } from "./specs";

export interface JobLike {
  id: string;
  seed: number;
  model: string;
  dataset: string;
  spec: SpecLike | null;
}

export interface JobGroup<J extends JobLike> {
  key: string;
  label: string;
  policy: string;
  ratio: number;
  jobs: J[];
}

/* A spec does not change and is read anew with every list: what was written of it once is kept. */
const written = new WeakMap<SpecLike, string>();

function withoutSeed(spec: SpecLike): string {
  const there = written.get(spec);
  if (there !== undefined) return there;
  const text = JSON.stringify(spec, (key, value: unknown) => (key === "seed" ? undefined : value));
  written.set(spec, text);
  return text;
}

/** What is the same for all seeds of a job, as text. */
export function groupKey(job: JobLike): string {
  return `${job.model}|${job.dataset}|${job.spec ? withoutSeed(job.spec) : ""}`;
}

/** Gather jobs into groups; exact first, then by policy and falling ratio. Network and data set are named where they differ. */
export function grouped<J extends JobLike>(
  jobs: readonly J[],
  order: (policies: Iterable<string>) => string[],
): JobGroup<J>[] {
  const tasks = new Set(jobs.map((job) => `${job.model} on ${job.dataset}`));
  const groups = new Map<string, JobGroup<J>>();
  for (const job of jobs) {
    const key = groupKey(job);
    const there = groups.get(key);
    if (there) {
      there.jobs.push(job);
      continue;
    }
    const { policy, words, ratio } = how(job.spec);
    groups.set(key, { key, label: words, policy, ratio, jobs: [job] });
  }
  const all = [...groups.values()];
  const firsts = all.flatMap((group) => group.jobs.slice(0, 1));
  howApart(firsts.map((job) => job.spec)).forEach(({ words }, i) => {
    const [group, job] = [all[i], firsts[i]];
    if (group && job) group.label = tasks.size > 1 ? `${words}, ${job.model} on ${job.dataset}` : words;
  });
  const ranks = order(all.map((group) => group.policy));
  return all.sort(
    (a, b) => ranks.indexOf(a.policy) - ranks.indexOf(b.policy) || b.ratio - a.ratio || (a.label < b.label ? -1 : 1),
  );
}
