import { describe, expect, it } from "vitest";

import { how, howApart } from "./specs";

describe("how", () => {
  it("says a training by the first rule that samples", () => {
    const rules = [{ layers: "conv1", policy: "exact" }, { policy: "topk", forward: 0.4 }];
    expect(how({ approximation: rules })).toEqual({ policy: "topk", words: "topk 40\u202f%", ratio: 0.4 });
    expect(how({ approximation: [] })).toEqual({ policy: "exact", words: "exact", ratio: 1 });
    expect(how(null).policy).toBe("exact");
  });

  it("says a study by its method and all that is set of it", () => {
    const nps = { name: "nps", replacement: true, scaled: true };
    expect(how({ method: nps })).toEqual({ policy: "nps", words: "nps · with replacement · scaled", ratio: 1 });
    const sketch = { name: "count_sketch", buckets_per_pair: 4, repetitions: 3 };
    expect(how({ method: sketch }).words).toBe("count sketch · buckets per pair 4 · repetitions 3");
    const filled = { name: "nps", replacement: false, scaled: true, exploration: 0, refresh_every: 1, coverage: null };
    expect(how({ method: filled }).words).toBe("nps · scaled");
    expect(how({ method: { name: "topk" }, score: "optimal" }).words).toBe("topk · optimal scores");
  });
});

describe("specs side by side", () => {
  const rule = (layers: string, forward = 0.4) => ({ layers, policy: "topk", forward });
  const words = (...specs: Parameters<typeof howApart>[0][number][]) => howApart(specs).map((one) => one.words);

  it("name layers only where they tell rows apart", () => {
    expect(words({ approximation: [rule("fc1")] }, { approximation: [rule("*", 0.2)] })).toEqual([
      "topk 40\u202f%",
      "topk 20\u202f%",
    ]);
    expect(words({ approximation: [rule("fc1")] }, { approximation: [rule("fc2")] })).toEqual([
      "topk 40\u202f% on fc1",
      "topk 40\u202f% on fc2",
    ]);
    expect(words({ approximation: [rule("fc1")] }, { approximation: [rule("fc1")] })[1]).toBe("topk 40\u202f%");
  });

  it("name what stays exact where that tells them apart", () => {
    const kept = [rule("*"), { layers: "conv1", policy: "exact" }];
    expect(words({ approximation: kept }, { approximation: [rule("*")] })).toEqual([
      "topk 40\u202f% + exact on conv1",
      "topk 40\u202f%",
    ]);
  });
});
