import { describe, expect, it } from "vitest";

import { band, smooth } from "./bands";

describe("band", () => {
  it("gives mean and sample standard deviation where lines share a step", () => {
    const made = band([
      { xs: [1, 2], ys: [1, 4] },
      { xs: [1, 2], ys: [3, 4] },
    ]);
    expect(made.xs).toEqual([1, 2]);
    expect(made.mean).toEqual([2, 4]);
    expect(made.std[0]).toBeCloseTo(Math.SQRT2);
    expect(made.std[1]).toBe(0);
  });

  it("reads a line between its points, and not beyond its ends", () => {
    const made = band([
      { xs: [0, 10], ys: [0, 10] },
      { xs: [5, 20], ys: [7, 7] },
    ]);
    expect(made.xs).toEqual([0, 5, 10, 20]);
    expect(made.mean).toEqual([0, 6, 8.5, 7]);
    expect(made.n).toEqual([1, 2, 2, 1]);
  });

  it("passes over values that are not finite", () => {
    const made = band([{ xs: [0, 1, 2], ys: [1, null, 3] }]);
    expect(made.mean).toEqual([1, 2, 3]);
  });

  it("is empty without lines", () => {
    expect(band([])).toEqual({ xs: [], mean: [], std: [], n: [] });
  });
});

describe("smooth", () => {
  it("leaves a line alone at weight 0 and a constant line at any weight", () => {
    expect(smooth([1, 5, null], 0)).toEqual([1, 5, null]);
    for (const value of smooth([3, 3, 3, 3], 0.9)) expect(value).toBeCloseTo(3);
  });

  it("starts at the first value, not at zero", () => {
    expect(smooth([8, 0], 0.5)[0]).toBe(8);
    expect(smooth([8, 0], 0.5)[1]).toBeCloseTo(8 / 3);
  });
});
