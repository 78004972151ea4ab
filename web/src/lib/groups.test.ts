import { describe, expect, it } from "vitest";

import { grouped } from "./groups";
import { inOrder } from "./policies";

const job = (id: string, seed: number, policy: string | null, forward = 0.4) => ({
  id,
  seed,
  model: "mlp",
  dataset: "digits",
  spec: { approximation: policy ? [{ policy, forward }] : [], seed },
});

describe("grouped", () => {
  it("puts seeds of one spec together, exact first, larger ratios before smaller ones", () => {
    const groups = grouped(
      [job("a", 0, "topk", 0.2), job("b", 0, "topk"), job("c", 1, "topk"), job("d", 0, null)],
      inOrder,
    );
    expect(groups.map((group) => group.jobs.map((one) => one.id))).toEqual([["d"], ["b", "c"], ["a"]]);
    expect(groups[1]?.label).toBe("topk 40\u202f%");
  });

  it("names network and data set only where they differ", () => {
    const other = { ...job("e", 0, "topk"), dataset: "mnist" };
    expect(grouped([job("a", 0, "topk"), other], inOrder).map((group) => group.label)).toEqual([
      "topk 40\u202f%, mlp on digits",
      "topk 40\u202f%, mlp on mnist",
    ]);
  });
});
