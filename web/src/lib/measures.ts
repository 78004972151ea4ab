/* How a metric is read: as a share or as a plain number, and which direction is better. Shares differ by points
   (hundredths), everything else by its own unit. */

import { metric as asMetric, percent, plain, points } from "./format";

export interface Measure {
  name: string;
  label: string;
  /** In the middle of a sentence: accuracy, perplexity. */
  noun: string;
  better: "higher" | "lower" | "none";
  isShare: boolean;
}

interface Fact {
  name: string;
  label: string;
  better: Measure["better"];
}

export const isShare = (name: string) => /(accuracy|reduction)$/.test(name);

export function measureOf(name: string, facts: readonly Fact[] = []): Measure {
  const fact = facts.find((one) => one.name === name);
  const noun = name.slice(name.lastIndexOf("_") + 1);
  return {
    name,
    label: fact?.label ?? name,
    noun,
    better: fact?.better ?? (isShare(name) ? "higher" : "none"),
    isShare: isShare(name),
  };
}

/** What a reader should know of a curve; "" where it goes without saying. */
export function noteOnCurve(name: string): string {
  return /^test_/.test(name) ? "measured where validation was the best so far, and at the end" : "";
}

type Value = number | null | undefined;

/** 0.9742 -> 97.42 %, 82.137 -> 82.14. */
export function measured(measure: Measure, value: Value, digits = 2): string {
  return measure.isShare ? percent(value, digits) : asMetric(value);
}

/** Mean, spread and count, without unit: 97.42 ± 0.12 (3). */
export function spreadIn(measure: Measure, value: { mean: Value; std?: Value; n: number } | null | undefined): string {
  if (!value || typeof value.mean !== "number") return "–";
  const scale = measure.isShare ? 100 : 1;
  const std = value.n > 1 && typeof value.std === "number" ? ` ± ${plain(value.std * scale)}` : "";
  return `${plain(value.mean * scale)}${std} (${value.n})`;
}

/** A difference with its sign, without unit: −0.06. */
export function differenceIn(measure: Measure, value: Value): string {
  return points(typeof value === "number" && !measure.isShare ? value / 100 : value);
}

/** The size of a difference, without unit: 0.06. */
export function sizeIn(measure: Measure, value: number): string {
  return plain(Math.abs(measure.isShare ? value * 100 : value));
}

/** A difference in words: 0.06 points below exact; level with exact where it is nothing at two digits. */
export function sideIn(measure: Measure, value: number): string {
  const size = sizeIn(measure, value);
  if (Number(size) === 0) return "level with exact";
  return `${size}${measure.isShare ? " points" : ""} ${value < 0 ? "below" : "above"} exact`;
}

export interface Margin {
  value: number;
  is_relative: boolean;
}

/** A margin in words: 0.2 points, 1 %. */
export function marginInWords({ value, is_relative }: Margin): string {
  return is_relative ? `${value}\u202f%` : value === 1 ? "1 point" : `${value} points`;
}

/** A margin in the metric's own unit. */
export function marginOf({ value, is_relative }: Margin, baseline: number): number {
  return (value / 100) * (is_relative ? Math.abs(baseline) : 1);
}

/** How much better a value is than another: what is lost is below 0, whichever direction is better. */
export function gain(measure: Measure, difference: number): number {
  return measure.better === "lower" ? -difference : difference;
}
