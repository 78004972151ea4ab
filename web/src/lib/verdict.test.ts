import { describe, expect, it } from "vitest";

import { measureOf } from "./measures";
import { best, equals, headline, nearest, verdict } from "./verdict";
import type { Evidence, Judged, Terms } from "./verdict";

const POINTS: Terms = { measure: measureOf("best_test_accuracy"), margin: { value: 0.2, is_relative: false } };
const PERPLEXITY: Terms = {
  measure: { ...measureOf("best_test_perplexity"), better: "lower" },
  margin: { value: 1, is_relative: true },
};

function group(evidence: Partial<Evidence> | null, saved: number, more: Partial<Judged> = {}): Judged {
  const whole = { mean: -0.0006, low: -0.0014, high: 0.0002, n: 5, paired: true, more_seeds: null, says: "within" };
  return {
    label: "topk 40 %",
    is_baseline: false,
    x: { mean: saved },
    y: { mean: 0.98 },
    evidence: evidence && { ...whole, verdict: "within", ...evidence },
    members: [],
    seconds_ratio: 1.117,
    time_caveat: null,
    ...more,
  };
}

describe("verdict", () => {
  it("says the distance, its interval, the seeds and what they show", () => {
    expect(verdict(group({}, 0.6), POINTS)).toEqual({
      kind: "within",
      text: "0.06 points below exact (±0.08 at 95\u202f%, 5 seeds): within 0.2 points",
    });
    expect(verdict(group({ mean: -0.013, low: -0.014, high: -0.012, verdict: "worse" }, 0.6), POINTS)).toEqual({
      kind: "worse",
      text: "1.30 points below exact (±0.10 at 95\u202f%, 5 seeds): worse by more than 0.2 points",
    });
  });

  it("says how many seeds are missing where nothing is decided", () => {
    const one = { low: null, high: null, n: 1, verdict: "undecided", more_seeds: 1 } as const;
    expect(verdict(group(one, 0.6), POINTS).text).toBe(
      "0.06 points below exact (1 seed, no interval): undecided, 1 more seed needed",
    );
    expect(verdict(group({ verdict: "undecided", more_seeds: 7 }, 0.6), POINTS).text).toContain("7 more seeds needed");
    expect(verdict(group({ verdict: "undecided" }, 0.6), POINTS).text).toContain("seeds alone would hardly decide");
    expect(verdict(group({ paired: false }, 0.6), POINTS).text).toContain("5 seeds, not paired");
  });

  it("says how many members diverged, whatever the others came to", () => {
    const members = ["diverged", null, "diverged", "internal", null].map((reason) => ({ state: reason ? "failed" : "succeeded", reason }));
    const says = "undecided: 2 of 5 diverged";
    expect(verdict(group({ n: 2, verdict: "undecided", says }, 0.6, { members }), POINTS).text).toBe(
      "0.06 points below exact (±0.08 at 95\u202f%, 2 seeds): undecided, 2 of 5 diverged",
    );
    const all = members.slice(0, 1);
    expect(verdict(group(null, 0.6, { members: all, y: { mean: null } }), POINTS).text).toBe("1 of 1 diverged");
  });

  it("says why there is no result", () => {
    const of = (...states: string[]) => {
      const members = states.map((state) => ({ state, reason: null }));
      return verdict(group(null, 0.6, { members, y: { mean: null } }), POINTS).text;
    };
    expect(of("failed", "running")).toBe("no result yet");
    expect(of("failed", "cancelled")).toBe("1 of 2 failed");
    expect(of("cancelled")).toBe("1 of 1 cancelled");
    expect(of("succeeded", "succeeded")).toBe("no finite result");
  });

  it("says that nothing is decided against a baseline that diverged in part", () => {
    const says = "undecided: 1 of 3 of the baseline diverged";
    const found = group({ verdict: "undecided", says }, 0.6);
    expect(verdict(found, POINTS).text).toContain(": undecided, 1 of 3 of the baseline diverged");
    expect(headline(found, POINTS, "compute").cost).toContain("1 of 3 of the baseline diverged");
  });

  it("tells perplexity in its own unit and the margin in per cent", () => {
    expect(verdict(group({ mean: 1.35, low: 1.15, high: 1.55, verdict: "worse" }, 0.5), PERPLEXITY).text).toBe(
      "1.35 above exact (±0.20 at 95\u202f%, 5 seeds): worse by more than 1\u202f%",
    );
  });

  it("makes nothing up without baseline or result", () => {
    expect(verdict(group(null, 0.6), POINTS).kind).toBe("unknown");
    const members = [{ state: "queued", reason: null }];
    expect(verdict(group({}, 0.6, { members, y: { mean: null } }), POINTS).text).toBe("no result yet");
    expect(verdict(group(null, 0, { is_baseline: true }), POINTS).kind).toBe("baseline");
  });
});

describe("best", () => {
  it("is the group shown to be within the margin that saves most", () => {
    const groups = [group({}, 0.4), group({}, 0.7), group({ verdict: "undecided" }, 0.8)];
    expect(best(groups, POINTS.measure)).toBe(groups[1]);
  });

  it("is the one that loses least of those that save as much", () => {
    const groups = [group({ mean: -0.001 }, 0.6021), group({ mean: 0.001 }, 0.5999), group({ mean: 0.002 }, 0.4)];
    expect(best(groups, POINTS.measure)).toBe(groups[1]);
    expect(best(groups.slice(0, 2), PERPLEXITY.measure)).toBe(groups[0]);
  });

  it("is none when nothing is shown or nothing is saved", () => {
    expect(best([group({ verdict: "worse" }, 0.9), group({}, -0.2), group(null, 0.9)], POINTS.measure)).toBeNull();
  });
});

describe("equals", () => {
  it("are those that save as much and are within the margin too", () => {
    const found = group({}, 0.6021);
    const others = [group({}, 0.5999), group({}, 0.4), group({ verdict: "undecided" }, 0.6)];
    expect(equals([found, ...others], found)).toEqual([others[0]]);
  });
});

describe("nearest", () => {
  it("is the group that loses least, of those that save something", () => {
    const groups = [group({ mean: -0.03 }, 0.4), group({ mean: -0.02 }, 0.7), group({ mean: 0.01 }, 0), group(null, 0.9)];
    expect(nearest(groups, POINTS.measure)).toBe(groups[1]);
    expect(nearest([], POINTS.measure)).toBeNull();
  });

  it("takes a lower perplexity for the lesser loss", () => {
    const groups = [group({ mean: 3 }, 0.4), group({ mean: -1 }, 0.3)];
    expect(nearest(groups, PERPLEXITY.measure)).toBe(groups[1]);
  });
});

describe("headline", () => {
  it("says what is saved, what it costs and the time beside it", () => {
    expect(headline(group({}, 0.6), POINTS, "compute")).toEqual({
      lead: "topk, keeping 40 %,",
      saves: "60\u202f% of the multiply-accumulates",
      cost: "0.06 points below exact (±0.08 at 95\u202f%, 5 seeds)",
      time: "1.12\u202f× the time of exact",
    });
  });

  it("does not pass over what is undecided", () => {
    expect(headline(group({ verdict: "undecided", more_seeds: 3 }, 0.6), POINTS, "time").cost).toContain(
      "undecided, 3 more seeds needed",
    );
  });
});
