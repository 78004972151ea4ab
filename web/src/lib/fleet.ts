/* Workers as a whole: who is there, who is late, and what keeps them. Pure. */

import { several } from "./format";

export interface WorkerLike {
  name: string;
  host: string;
  state: "idle" | "busy" | "stopped" | "lost";
  heartbeat_at: string;
}

export type Condition = WorkerLike["state"] | "late";

/** Workers beat every second; after so long without one something is slow, if not dead yet. */
const LATE_S = 15;

/** A worker's state, or that its heartbeat is late. */
export function conditionOf(worker: WorkerLike, now: number): Condition {
  const isAlive = worker.state === "idle" || worker.state === "busy";
  return isAlive && now - Date.parse(worker.heartbeat_at) > LATE_S * 1000 ? "late" : worker.state;
}

const ORDER: Condition[] = ["lost", "late", "busy", "idle", "stopped"];

/** Those that need a person first, then by name. */
export function ranked<W extends WorkerLike>(workers: readonly W[], now: number): W[] {
  const rank = (worker: W) => ORDER.indexOf(conditionOf(worker, now));
  return [...workers].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, "en", { numeric: true }));
}

/** `3 workers: 2 busy, 1 idle`. */
export function fleetInWords(workers: readonly WorkerLike[], now: number): string {
  if (workers.length === 0) return "No worker is here";
  const counted = (["busy", "idle", "late", "lost", "stopped"] as const)
    .map((condition) => [condition, workers.filter((one) => conditionOf(one, now) === condition).length] as const)
    .filter(([, n]) => n > 0);
  const [first] = counted;
  if (first && counted.length === 1) {
    return `${several(workers.length, "worker")}, ${workers.length > 1 ? "all " : ""}${first[0]}`;
  }
  return `${several(workers.length, "worker")}: ${counted.map(([condition, n]) => `${n} ${condition}`).join(", ")}`;
}

interface Waiting {
  waits_for: string | null;
}

/** What the queue asks for that no living worker has, each with the number of jobs, the most wanted first. */
export function wanted(queue: readonly Waiting[]): [what: string, jobs: number][] {
  const counts = new Map<string, number>();
  for (const { waits_for } of queue) {
    if (waits_for !== null) counts.set(waits_for, (counts.get(waits_for) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]);
}
