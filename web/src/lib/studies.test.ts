import { describe, expect, it } from "vitest";

import { errorsOf, isStudy, near, operationInWords, pairsOf } from "./studies";

const matmul = { operation: { name: "matmul", m: 100, n: 80, p: 60 } };
const conv = {
  operation: { name: "conv2d", batch: 4, channels: 32, image_size: 16, filters: 24, kernel_size: 3, padding: 1 },
};

describe("a study", () => {
  it("is told from a training by what it lists as its network", () => {
    expect(isStudy({ model: "matmul_error" })).toBe(true);
    expect(isStudy({ model: "mlp" })).toBe(false);
  });

  it("says its product and the pairs that this has", () => {
    expect(operationInWords(matmul)).toBe("100 × 80 · 80 × 60");
    expect(operationInWords(conv)).toBe("4 images 16 × 16 × 32 · 24 kernels 3 × 3");
    expect([pairsOf(matmul), pairsOf(conv)]).toEqual([80, 32]);
  });
});

describe("its errors", () => {
  const curve = (metric: string, values: (number | null)[]) => ({ job: "a", metric, steps: [8, 40, 80], values });
  const curves = [
    curve("frobenius_error", [0.3, null, 0]),
    curve("compute_reduction", [0.9, 0.5, 0]),
    curve("product_seconds", [2, 3, 1]),
    curve("exact_product_seconds", [2, 2, 2]),
    { ...curve("frobenius_error", [9, 9, 9]), job: "b" },
  ];

  it("stand against pairs, work or time, where they were measured", () => {
    expect(errorsOf(curves, "a", "frobenius_error", 80, "pairs")).toEqual({ xs: [0.1, 1], ys: [0.3, 0] });
    const work = errorsOf(curves, "a", "frobenius_error", 80, "work");
    expect(work.xs[0]).toBeCloseTo(0.1);
    expect(errorsOf(curves, "a", "frobenius_error", 80, "time")).toEqual({ xs: [0.5, 1], ys: [0, 0.3] });
    expect(errorsOf(curves, "a", "spectral_error", 80, "pairs")).toEqual({ xs: [], ys: [] });
  });

  it("are read at the size nearest to a ratio", () => {
    const line = { xs: [0.1, 0.49, 0.51], ys: [3, 2, 1] };
    expect(near(line, 0.5)).toBe(1);
    expect(near(line, 0.12)).toBe(3);
    expect(near(line, 0.25)).toBeNull();
  });
});
