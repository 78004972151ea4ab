import { describe, expect, it } from "vitest";

import type { Group } from "../api/client";
import { belowNear, compareLabel, compareOption, extent, front, isStretched, joined } from "./compare";

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

  it("shows every point, its spread and the tolerance below the baseline", () => {
    const [low, high] = extent(groups, 10) ?? [1, 0];
    expect(low).toBeLessThan(0.88);
    expect(high).toBeGreaterThan(0.981);
    expect(extent([group("e", "nps", 0.4, null, null)], 0.2)).toBeNull();
  });

  it("knows which groups squeeze the others together", () => {
    const low = group("f", "uniform", 0.1, 0.9, 0.3);
    expect(belowNear([...groups, low]).map((one) => one.key)).toEqual(["f"]);
    expect(isStretched([...groups, low])).toBe(true);
    expect(isStretched(groups)).toBe(false);
    expect(isStretched([low])).toBe(false);
  });

  it("says in words what it shows", () => {
    expect(compareLabel(groups)).toContain("4 groups");
    expect(compareLabel(groups)).toContain("topk 0.4: 97.90 % accuracy at 60");
  });

  it("draws the baseline where it is, not rounded to whole points", () => {
    const theme = { colour: () => "" } as unknown as Parameters<typeof compareOption>[2];
    const { series } = compareOption(groups, { xLabel: "", yLabel: "", within: 0.2, isNear: false }, theme) as {
      series: { name: string; markLine?: { precision: number } }[];
    };
    expect(series.find((one) => one.name === "baseline")?.markLine?.precision).toBeGreaterThan(4);
  });
});
