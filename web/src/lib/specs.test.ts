import { describe, expect, it } from "vitest";

import { how } from "./specs";

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
    expect(how({ method: { name: "topk" }, score: "optimal" }).words).toBe("topk · optimal scores");
  });
});
