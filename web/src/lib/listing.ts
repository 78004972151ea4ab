/* The list of jobs in parts: by sweep, policy, network or state. Pure. */

import { inOrder } from "./policies";

export const GROUPINGS = [
  { value: "", label: "no groups" },
  { value: "sweep", label: "by sweep" },
  { value: "policy", label: "by policy" },
  { value: "network", label: "by network" },
  { value: "state", label: "by state" },
] as const;

interface Listed {
  id: string;
  sweep_id: string | null;
  policy: string;
  model: string;
  dataset: string;
  state: string;
}

export type Entry = { kind: "head"; key: string; label: string; ids: string[] } | { kind: "job"; key: string; place: number };

const STATES = ["running", "queued", "paused", "failed", "cancelled", "succeeded"];

/** Heads and jobs, top to bottom; `place` is that of the job among those given. `sweeps` names sweeps by their ids. */
export function entriesOf(jobs: readonly Listed[], by: string, sweeps: ReadonlyMap<string, string>): Entry[] {
  const name = NAMES[by];
  if (!name) return jobs.map((job, place) => ({ kind: "job", key: job.id, place }));
  const parts = new Map<string, number[]>();
  jobs.forEach((job, place) => {
    const key = name(job);
    parts.set(key, [...(parts.get(key) ?? []), place]);
  });
  const keys = [...parts.keys()];
  const order = by === "policy" ? inOrder(keys) : by === "state" ? STATES.filter((one) => parts.has(one)) : keys;
  return order.flatMap((key) => {
    const places = parts.get(key) ?? [];
    const ids = places.flatMap((place) => jobs[place]?.id ?? []);
    const label = by === "sweep" ? (key ? (sweeps.get(key) ?? "an older sweep") : "no sweep") : key;
    return [
      { kind: "head" as const, key: `${by}:${key}`, label, ids },
      ...places.map((place) => ({ kind: "job" as const, key: jobs[place]?.id ?? "", place })),
    ];
  });
}

const NAMES: Record<string, (job: Listed) => string> = {
  sweep: (job) => job.sweep_id ?? "",
  policy: (job) => job.policy,
  network: (job) => `${job.model} on ${job.dataset}`,
  state: (job) => job.state,
};
