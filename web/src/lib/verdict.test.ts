import { describe, expect, it } from "vitest";

import { best, headline, type Judged, nearest, verdict } from "./verdict";

function group(delta: number | null, saved: number, more: Partial<Judged> = {}): Judged {
  return {
    label: "topk 40 %",
    n: 5,
    is_baseline: false,
    x: { mean: saved, std: 0, n: 5 },
    y: { mean: 0.98, std: 0.002, n: 5 },
    delta: delta === null ? null : { mean: delta, std: 0.0008 },
    seconds_ratio: 1.117,
    ...more,
  };
}

describe("verdict", () => {
  it("says the distance, the spread, the seeds and on which side of the tolerance", () => {
    expect(verdict(group(-0.0006, 0.6), 0.2)).toEqual({
      kind: "within",
      text: "0.06 points below exact (±0.08, 5 seeds): within 0.2",
    });
    expect(verdict(group(-0.013, 0.6), 0.2).text).toBe("1.30 points below exact (±0.08, 5 seeds): more than 0.2");
    expect(verdict(group(0.001, 0.6), 0.2).text).toBe("0.10 points above exact (±0.08, 5 seeds): no loss seen");
  });

  it("counts the tolerance itself as within", () => {
    expect(verdict(group(-0.002, 0.6), 0.2).kind).toBe("within");
    expect(verdict(group(-0.00202, 0.6), 0.2).kind).toBe("beyond");
  });

  it("does not make up a spread for one seed, nor a verdict without baseline or result", () => {
    expect(verdict(group(-0.001, 0.6, { n: 1 }), 0.2).text).toContain("1 seed, no spread");
    expect(verdict(group(null, 0.6), 0.2).kind).toBe("unknown");
    expect(verdict(group(-0.1, 0.6, { y: { mean: null, std: null, n: 0 } }), 0.2).text).toBe("no result yet");
    expect(verdict(group(0, 0, { is_baseline: true }), 0.2).kind).toBe("baseline");
  });
});

describe("best", () => {
  it("is the group within the tolerance that saves most", () => {
    const groups = [group(-0.001, 0.4), group(-0.0019, 0.7), group(-0.03, 0.9)];
    expect(best(groups, 0.2)).toBe(groups[1]);
    expect(best(groups, 5)).toBe(groups[2]);
  });

  it("is none when all lose too much or save nothing", () => {
    expect(best([group(-0.03, 0.9), group(0.01, -0.2)], 0.2)).toBeNull();
  });
});

describe("nearest", () => {
  it("is the group that loses least, of those that save something", () => {
    const groups = [group(-0.03, 0.4), group(-0.02, 0.7), group(0.01, 0), group(null, 0.9)];
    expect(nearest(groups)).toBe(groups[1]);
    expect(nearest([])).toBeNull();
  });
});

describe("headline", () => {
  it("says what is saved, what it costs and the time beside it", () => {
    expect(headline(group(-0.0006, 0.6), "compute")).toEqual({
      lead: "topk 40 %",
      saves: "60\u202f% of the multiply-accumulates",
      cost: "0.06 points below exact (±0.08, 5 seeds)",
      time: "1.12\u202f× the time of exact",
    });
  });
});
