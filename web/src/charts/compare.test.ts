import { describe, expect, it } from "vitest";

import type { Group } from "../api/client";
import { measureOf } from "../lib/measures";
import { barOf, compareLabel, compareOption, extent, farOff, front, isStretched, joined } from "./compare";

const group = (key: string, policy: string, ratio: number, x: number | null, y: number | null, more = {}): Group =>
  ({
    key,
    label: `${policy} ${ratio}`,
    policy,
    ratio,
    x: { mean: x, std: 0, n: 3 },
    y: { mean: y, std: 0.001, n: 3 },
    n: 3,
    is_baseline: false,
    is_pareto: false,
    ...more,
  }) as unknown as Group;

const groups = [
  group("a", "exact", 1, 0, 0.98, { is_baseline: true, is_pareto: true }),
  group("b", "topk", 0.1, 0.9, 0.95, { is_pareto: true }),
  group("c", "topk", 0.4, 0.6, 0.979, { is_pareto: true }),
  group("d", "uniform", 0.4, 0.6, 0.9),
  group("e", "nps", 0.4, null, null),
];

const accuracy = measureOf("best_test_accuracy");
const perplexity = { ...measureOf("best_test_perplexity"), better: "lower" as const };
const sure = { mean: -0.001, low: -0.003, high: 0.001 };

describe("the compare chart", () => {
  it("draws the front from left to right, of groups that have a result", () => {
    expect(front([...groups].reverse())).toEqual([
      [0, 0.98],
      [0.6, 0.979],
      [0.9, 0.95],
    ]);
  });

  it("joins the points of a policy in the order of the ratio", () => {
    expect(joined(groups, "topk").map((member) => member.key)).toEqual(["c", "b"]);
    expect(joined(groups, "nps")).toEqual([]);
  });

  it("shows every point, its bar and the margin beside the baseline", () => {
    const [low, high] = extent(groups, { measure: accuracy, margin: 0.1, bars: "spread" }) ?? [1, 0];
    expect(low).toBeLessThan(0.88);
    expect(high).toBeGreaterThan(0.981);
    const texts = [group("a", "exact", 1, 0, 80, { is_baseline: true }), group("b", "topk", 0.5, 0.5, 80.5)];
    const [, top] = extent(texts, { measure: perplexity, margin: 4, bars: "interval" }) ?? [1, 0];
    expect(top).toBeGreaterThan(84);
    const none = [group("e", "nps", 0.4, null, null)];
    expect(extent(none, { measure: accuracy, margin: 0.002, bars: "spread" })).toBeNull();
  });

  it("draws as bars how sure the difference is, or how far the seeds spread", () => {
    const one = group("b", "topk", 0.4, 0.6, 0.979, { evidence: sure });
    expect(barOf(one, "interval")?.map((end) => Number(end.toFixed(6)))).toEqual([0.977, 0.981]);
    expect(barOf(one, "spread")?.map((end) => Number(end.toFixed(6)))).toEqual([0.978, 0.98]);
    expect(barOf(group("b", "topk", 0.4, 0.6, 0.979, { evidence: { ...sure, low: null } }), "interval")).toBeNull();
    expect(barOf(group("b", "topk", 0.4, 0.6, 0.979, { evidence: null }), "interval")).toBeNull();
  });

  it("knows which groups squeeze the others together", () => {
    const low = group("f", "uniform", 0.1, 0.9, 0.3);
    expect(farOff([...groups, low], accuracy).map((one) => one.key)).toEqual(["f"]);
    expect(isStretched([...groups, low], accuracy)).toBe(true);
    expect(isStretched(groups, accuracy)).toBe(false);
    expect(isStretched([low], accuracy)).toBe(false);
  });

  it("takes a high perplexity for what lies far off", () => {
    const texts = [80, 78, 84, 400].map((y, i) => group(`${i}`, "topk", 0.5, i / 4, y, { is_baseline: i === 0 }));
    expect(farOff(texts, perplexity).map((one) => one.key)).toEqual(["3"]);
    expect(isStretched(texts, perplexity)).toBe(true);
  });

  it("says in words what it shows", () => {
    expect(compareLabel(groups, accuracy)).toContain("Accuracy against what is saved, 4 groups");
    expect(compareLabel(groups, accuracy)).toContain("topk 0.4: 97.90\u202f% accuracy at 60");
    expect(compareLabel(groups.slice(0, 1), perplexity)).toContain("Perplexity against what is saved, 1 group");
  });

  it("draws the baseline where it is, not rounded to whole points", () => {
    const theme = { colour: () => "" } as unknown as Parameters<typeof compareOption>[2];
    const settings = { xLabel: "", yLabel: "", measure: accuracy, margin: 0.002, isNear: false, bars: "interval", isNarrow: false } as const;
    const { series } = compareOption(groups, settings, theme) as {
      series: { name: string; markLine?: { precision: number } }[];
    };
    expect(series.find((one) => one.name === "baseline")?.markLine?.precision).toBeGreaterThan(4);
  });

  it("names a policy once, at its last point in sight", () => {
    const theme = { colour: () => "" } as unknown as Parameters<typeof compareOption>[2];
    const low = group("f", "uniform", 0.1, 0.9, 0.3);
    const settings = { xLabel: "", yLabel: "", measure: accuracy, margin: 0.002, isNear: true, bars: "interval", isNarrow: true } as const;
    const { series } = compareOption([...groups, low], settings, theme) as {
      series: { name: string; data: { id: string; label?: { show: boolean } }[] }[];
    };
    const named = series.flatMap(({ data }) => data.filter((one) => one.label?.show).map((one) => one.id));
    expect(named).toEqual(["b", "d"]);
  });
});
