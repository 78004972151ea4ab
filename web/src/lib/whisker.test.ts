import { describe, expect, it } from "vitest";

import { reachOf, whisker } from "./whisker";

describe("a whisker", () => {
  it("stands on a scale with nothing lost in its middle", () => {
    const at = whisker({ mean: -1, low: -2, high: 0, margin: 1, reach: 4 }, 108);
    expect(at).toEqual({ mean: 41.5, low: 29, high: 54, zero: 54, margin: 41.5, isOff: false });
  });

  it("has no bar without an interval, and says where it lies off the scale", () => {
    expect(whisker({ mean: -1, low: null, high: null, margin: 1, reach: 4 }, 108)).toMatchObject({ low: null, high: null });
    expect(whisker({ mean: -9, low: -10, high: -8, margin: 1, reach: 4 }, 108)).toMatchObject({ isOff: true, low: null });
  });

  it("reaches as far as the differences go, but not so far that the margin is lost", () => {
    expect(reachOf([{ mean: -2, low: -3, high: -1 }], 1)).toBeCloseTo(3.3);
    expect(reachOf([{ mean: -90, low: -91, high: -89 }], 1)).toBe(6);
    expect(reachOf([], 1)).toBe(1.5);
  });
});
