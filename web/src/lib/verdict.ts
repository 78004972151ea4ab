/* What a group costs and what it saves, in words. The service weighs the evidence; here it is only told. */

import { percent, several } from "./format";
import { gain, marginInWords, sideIn, sizeIn } from "./measures";
import type { Margin, Measure } from "./measures";
import { hasEnded } from "./states";
import { timeInWords } from "./timing";

export interface Evidence {
  mean: number;
  /** Ends of the 95 % confidence interval of the difference; null with fewer than two pairs. */
  low: number | null;
  high: number | null;
  n: number;
  paired: boolean;
  verdict: "within" | "worse" | "undecided";
  more_seeds: number | null;
  says: string;
}

export interface Judged {
  label: string;
  is_baseline: boolean;
  x: { mean: number | null };
  y: { mean: number | null };
  evidence: Evidence | null;
  members: readonly { state: string; reason: string | null }[];
  seconds_ratio: number | null;
  time_caveat: string | null;
}

/** By what the groups are judged. */
export interface Terms {
  measure: Measure;
  margin: Margin;
}

export interface Verdict {
  kind: "baseline" | "within" | "worse" | "undecided" | "unknown";
  text: string;
}

/** Tell what the evidence says of one group. */
export function verdict(group: Judged, { measure, margin }: Terms): Verdict {
  if (group.is_baseline) return { kind: "baseline", text: "what the others are measured against" };
  if (group.y.mean === null) return { kind: "unknown", text: missing(group) };
  const found = group.evidence;
  if (!found) return { kind: "unknown", text: "no exact job to compare with" };
  return { kind: found.verdict, text: `${cost(found, measure)}: ${ending(found, margin)}` };
}

/** Why a group has no result: 2 of 5 diverged. */
function missing({ members }: Judged): string {
  const told = (word: string, is: (member: Judged["members"][number]) => boolean) => {
    const count = members.filter(is).length;
    return count ? `${count} of ${members.length} ${word}` : "";
  };
  return (
    told("diverged", ({ reason }) => reason === "diverged") ||
    (members.some(({ state }) => !hasEnded(state)) && "no result yet") ||
    told("failed", ({ state }) => state === "failed") ||
    told("cancelled", ({ state }) => state === "cancelled") ||
    "no finite result"
  );
}

/** 0.06 points below exact (±0.08 at 95 %, 5 seeds). */
function cost(found: Evidence, measure: Measure): string {
  return `${sideIn(measure, found.mean)} (${certainty(found, measure)})`;
}

function certainty({ low, high, n, paired }: Evidence, measure: Measure): string {
  const seeds = `${several(n, "seed")}${paired ? "" : ", not paired"}`;
  if (low === null || high === null) return `${seeds}, no interval`;
  return `±${sizeIn(measure, (high - low) / 2)} at 95\u202f%, ${seeds}`;
}

function ending({ verdict: said, more_seeds, says }: Evidence, margin: Margin): string {
  // Of the group or of its baseline: the service's words tell which, and how many.
  if (says.endsWith("diverged")) return says.replace(":", ",");
  const words = marginInWords(margin);
  if (said === "within") return `within ${words}`;
  if (said === "worse") return `worse by more than ${words}`;
  if (more_seeds === null) return "undecided, and seeds alone would hardly decide it";
  return `undecided, ${several(more_seeds, "more seed")} needed`;
}

/** The group that saves most of those shown to stay within the margin, or null. Of those that save as much, to a
    hundredth, the one that loses least. */
export function best<G extends Judged>(groups: readonly G[], measure: Measure): G | null {
  const found = groups.filter((group) => saves(group) && group.evidence?.verdict === "within");
  const gained = ({ evidence }: G) => gain(measure, evidence?.mean ?? 0);
  const [first] = [...found].sort((a, b) => savedBy(b) - savedBy(a) || gained(b) - gained(a));
  return first ?? null;
}

/** The group with the least loss of those that save something, or null. */
export function nearest<G extends Judged>(groups: readonly G[], measure: Measure): G | null {
  const loss = (group: G) => -gain(measure, group.evidence?.mean ?? 0);
  const found = groups.filter((group) => saves(group) && group.evidence !== null);
  return found.reduce<G | null>((a, b) => (a === null || loss(b) < loss(a) ? b : a), null);
}

/** What a group saves, in hundredths. */
function savedBy({ x }: Judged): number {
  return Math.round(100 * (x.mean ?? 0));
}

function saves(group: Judged): boolean {
  return !group.is_baseline && (group.x.mean ?? 0) > 0;
}

export interface Headline {
  lead: string;
  saves: string;
  cost: string;
  time: string;
}

/** Groups that stay within the margin too and save as much as `found`, to a hundredth. */
export function equals<G extends Judged>(groups: readonly G[], found: G): G[] {
  return groups.filter(
    (group) =>
      group !== found && !group.is_baseline && group.evidence?.verdict === "within" && savedBy(group) === savedBy(found),
  );
}

/** nps 60 % as "nps, keeping 60 %,": beside what is saved, a bare share could be either. */
function keeping(label: string): string {
  return label.replace(/ (\d+(?:\.\d+)?[\u202f ]?%)$/, ", keeping $1,");
}

/** The sentence at the head of Compare, in parts so that its numbers can stand out. */
export function headline(group: Judged, { measure, margin }: Terms, saved: "compute" | "time"): Headline {
  const found = group.evidence;
  const what = saved === "compute" ? "of the multiply-accumulates" : "of the training time";
  const undecided = found?.verdict === "undecided" ? `: ${ending(found, margin)}` : "";
  return {
    lead: keeping(group.label),
    saves: `${percent(group.x.mean, 0)} ${what}`,
    cost: found ? `${cost(found, measure)}${undecided}` : "",
    time: timeInWords(group),
  };
}
