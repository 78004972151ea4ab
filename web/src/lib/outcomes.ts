/* What became of each of many jobs, in a sentence and a few lines. Pure. */

import { several } from "./format";

export interface Outcome {
  id: string;
  /** Null: done; else the status that the service answered with, 0 for none. */
  status: number | null;
  message: string;
}

export type Done = "cancel" | "pause" | "delete" | "tag" | "untag";

const DONE: Record<Done, string> = {
  cancel: "cancelled",
  pause: "asked to pause",
  delete: "deleted",
  tag: "tagged",
  untag: "without the tag now",
};
/** Why a job stood against it: what 409 means depends on what was asked. */
const AGAINST: Record<Done, [one: string, many: string]> = {
  cancel: ["had ended already", "had ended already"],
  pause: ["was not running", "were not running"],
  delete: ["is running: cancel it first", "are running: cancel them first"],
  tag: ["could not be changed", "could not be changed"],
  untag: ["could not be changed", "could not be changed"],
};
const WHY: Record<number, [one: string, many: string]> = {
  0: ["got no answer", "got no answer"],
  401: ["needs you to sign in", "need you to sign in"],
  403: ["belongs to somebody else", "belong to somebody else"],
  404: ["was gone already", "were gone already"],
};

/** 3 cancelled, 1 had ended already. */
export function told(action: Done, outcomes: readonly Outcome[]): string {
  const done = outcomes.filter(({ status }) => status === null).length;
  const counts = new Map<number, number>();
  for (const { status } of outcomes) if (status !== null) counts.set(status, (counts.get(status) ?? 0) + 1);
  const parts = done || counts.size === 0 ? [counts.size ? `${done} ${DONE[action]}` : `${several(done, "job")} ${DONE[action]}`] : [];
  for (const [status, n] of counts) {
    const [one, many] = status === 409 ? AGAINST[action] : (WHY[status] ?? ["was refused", "were refused"]);
    parts.push(`${n} ${n === 1 ? one : many}`);
  }
  return parts.join(", ");
}

/** The service's own words on those that failed, each once, with how many it is about. */
export function reasons(outcomes: readonly Outcome[]): { message: string; ids: string[] }[] {
  const found = new Map<string, string[]>();
  for (const { id, status, message } of outcomes)
    if (status !== null) found.set(message, [...(found.get(message) ?? []), id]);
  return [...found].map(([message, ids]) => ({ message, ids }));
}
