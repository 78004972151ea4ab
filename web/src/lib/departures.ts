/* In what a draft departs from the job that it was cloned from: path by path, as the spec names them. Pure. */

import type { Draft, Json, Spec } from "./draft";

export interface Departure {
  path: string;
  before: string;
  after: string;
}

const ABSENT = "not set";

function said(value: Json | undefined): string {
  if (value === undefined) return ABSENT;
  if (value === "") return "empty";
  return typeof value === "string" ? value : JSON.stringify(value);
}

const isObject = (value: Json | undefined): value is { [key: string]: Json } =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/** Leaves that differ. Lists of objects are compared place by place, lists of numbers as one value. */
function apart(before: Json | undefined, after: Json | undefined, path: string): Departure[] {
  const inside = (key: string) => (path ? `${path}.${key}` : key);
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => apart(before[key], after[key], inside(key)));
  }
  if (Array.isArray(before) && Array.isArray(after) && [...before, ...after].some(isObject)) {
    const places = Array.from({ length: Math.max(before.length, after.length) }, (_, i) => i);
    return places.flatMap((i) => apart(before[i], after[i], inside(String(i))));
  }
  const [one, other] = [said(before), said(after)];
  return one === other ? [] : [{ path, before: one, after: other }];
}

/** Seeds are typed beside the spec. */
function withoutSeed(spec: Spec): Spec {
  return Object.fromEntries(Object.entries(spec).filter(([key]) => key !== "seed"));
}

/** All that differs: name and spec, then the seeds and what is run beside it. */
export function departures(before: Draft, after: Draft): Departure[] {
  const yes = (flag: boolean) => (flag ? "yes" : "no");
  return [
    ...apart(before.name, after.name, "name"),
    ...apart(withoutSeed(before.spec), withoutSeed(after.spec), ""),
    ...apart(before.seeds, after.seeds, "seeds"),
    ...apart(yes(before.withExact), yes(after.withExact), "with its exact twin"),
    ...apart(before.others.join(", ") || "none", after.others.join(", ") || "none", "other methods"),
  ];
}
