/* What a group costs in accuracy and what it saves, in words. */

import { percent, plain, several, times } from "./format";

export interface Judged {
  label: string;
  n: number;
  is_baseline: boolean;
  x: { mean: number | null; std: number | null; n: number };
  y: { mean: number | null; std: number | null; n: number };
  delta: { mean: number | null; std: number | null } | null;
  seconds_ratio: number | null;
}

export type Kind = "baseline" | "within" | "beyond" | "unknown";

export interface Verdict {
  kind: Kind;
  text: string;
}

/** Judge one group against the baseline. `within` is in points (hundredths of accuracy). */
export function verdict(group: Judged, within: number): Verdict {
  if (group.is_baseline) return { kind: "baseline", text: "what the others are measured against" };
  if (group.y.mean === null) return { kind: "unknown", text: "no result yet" };
  const delta = group.delta?.mean ?? null;
  if (delta === null) return { kind: "unknown", text: "no exact job to compare with" };
  const size = plain(Math.abs(delta * 100), 2);
  const side = Number(size) === 0 ? "level with exact" : `${size} points ${delta < 0 ? "below" : "above"} exact`;
  const kind: Kind = isWithin(delta, within) ? "within" : "beyond";
  const end = kind === "within" ? (delta < 0 ? `within ${within}` : "no loss seen") : `more than ${within}`;
  return { kind, text: `${side} (${uncertainty(group)}): ${end}` };
}

/** The group within the tolerance that saves most, or null. */
export function best<G extends Judged>(groups: readonly G[], within: number): G | null {
  let found: G | null = null;
  for (const group of groups) {
    const delta = group.delta?.mean;
    if (group.is_baseline || typeof delta !== "number" || !isWithin(delta, within)) continue;
    if ((group.x.mean ?? 0) <= 0) continue;
    if (found === null || (group.x.mean ?? 0) > (found.x.mean ?? 0)) found = group;
  }
  return found;
}

/** The group with the least loss of those that save something, or null. */
export function nearest<G extends Judged>(groups: readonly G[]): G | null {
  const saving = groups.filter(
    (group) => !group.is_baseline && typeof group.delta?.mean === "number" && (group.x.mean ?? 0) > 0,
  );
  const loss = (group: G) => -(group.delta?.mean ?? 0);
  return saving.reduce<G | null>((a, b) => (a === null || loss(b) < loss(a) ? b : a), null);
}

export interface Headline {
  lead: string;
  saves: string;
  cost: string;
  time: string;
}

/** The sentence at the head of Compare, in parts so that its numbers can stand out. */
export function headline(group: Judged, saved: "compute" | "time"): Headline {
  const delta = group.delta?.mean ?? 0;
  const size = plain(Math.abs(delta * 100), 2);
  const side =
    Number(size) === 0 ? "at the accuracy of exact" : `${size} points ${delta < 0 ? "below" : "above"} exact`;
  const what = saved === "compute" ? "of the multiply-accumulates" : "of the training time";
  return {
    lead: group.label,
    saves: `${percent(group.x.mean, 0)} ${what}`,
    cost: `${side} (${uncertainty(group)})`,
    time: group.seconds_ratio === null ? "" : `${times(group.seconds_ratio)} the time of exact`,
  };
}

function isWithin(delta: number, within: number): boolean {
  // Half a thousandth of a point is rounding, not a difference.
  return delta * 100 >= -within - 5e-4;
}

function uncertainty(group: Judged): string {
  const std = group.delta?.std ?? group.y.std;
  if (group.n < 2 || std === null) return "1 seed, no spread";
  return `±${plain(std * 100, 2)}, ${several(group.n, "seed")}`;
}
