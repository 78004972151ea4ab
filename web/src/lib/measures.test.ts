import { describe, expect, it } from "vitest";

import { differenceIn, gain, marginInWords, marginOf, measureOf, measured, sideIn, spreadIn } from "./measures";

const FACTS = [
  { name: "best_test_accuracy", label: "Test accuracy at best validation", better: "higher" as const },
  { name: "best_test_perplexity", label: "Test perplexity at best validation", better: "lower" as const },
];
const accuracy = measureOf("best_test_accuracy", FACTS);
const perplexity = measureOf("best_test_perplexity", FACTS);

describe("measures", () => {
  it("know their noun and direction", () => {
    expect(accuracy).toMatchObject({ noun: "accuracy", better: "higher", isShare: true });
    expect(perplexity).toMatchObject({ noun: "perplexity", better: "lower", isShare: false });
    expect(measureOf("steps_per_s").better).toBe("none");
  });

  it("are told as shares or as they are", () => {
    expect(measured(accuracy, 0.97421)).toBe("97.42\u202f%");
    expect(measured(perplexity, 82.1374)).toBe("82.14");
    expect(measured(perplexity, null)).toBe("–");
    expect(spreadIn(accuracy, { mean: 0.9742, std: 0.0012, n: 3 })).toBe("97.42 ± 0.12 (3)");
    expect(spreadIn(perplexity, { mean: 82.137, std: 0.414, n: 3 })).toBe("82.14 ± 0.41 (3)");
    expect(spreadIn(perplexity, { mean: 82.137, std: null, n: 1 })).toBe("82.14 (1)");
  });

  it("differ by points or by their own unit", () => {
    expect(differenceIn(accuracy, -0.0006)).toBe("−0.06");
    expect(differenceIn(perplexity, 1.349)).toBe("+1.35");
    expect(sideIn(accuracy, -0.0006)).toBe("0.06 points below exact");
    expect(sideIn(perplexity, 1.349)).toBe("1.35 above exact");
    expect(sideIn(accuracy, 0.00001)).toBe("level with exact");
  });

  it("lose where they go against what is better", () => {
    expect(gain(accuracy, -0.01)).toBe(-0.01);
    expect(gain(perplexity, 2)).toBe(-2);
  });

  it("allow a margin in points, or in per cent of the baseline", () => {
    expect(marginOf({ value: 0.2, is_relative: false }, 0.98)).toBeCloseTo(0.002);
    expect(marginOf({ value: 1, is_relative: true }, 82)).toBeCloseTo(0.82);
    expect(marginInWords({ value: 0.2, is_relative: false })).toBe("0.2 points");
    expect(marginInWords({ value: 1, is_relative: true })).toBe("1\u202f%");
  });
});
