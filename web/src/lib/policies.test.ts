import { describe, expect, it } from "vitest";

import { inOrder, look, policyOf, ruleInWords } from "./policies";

describe("looks", () => {
  it("differ in colour and in shape for every policy", () => {
    const looks = ["exact", "topk", "nps", "uniform", "bernoulli", "meprop", "unknown"].map(look);
    expect(new Set(looks.map((l) => l.colour)).size).toBe(looks.length);
    expect(new Set(looks.map((l) => l.shape)).size).toBe(looks.length);
  });

  it("tell sampling policies apart by their dash", () => {
    const dashes = ["topk", "nps", "uniform", "bernoulli", "meprop", "unknown"].map((p) => look(p).dash.join());
    expect(new Set(dashes).size).toBe(dashes.length);
  });

  it("stand in one order, exact first, unknown ones last", () => {
    expect(inOrder(["zzz", "nps", "exact", "nps", "topk"])).toEqual(["exact", "topk", "nps", "zzz"]);
  });
});

describe("rules in words", () => {
  it("leave out what is as usual", () => {
    expect(ruleInWords({ policy: "topk", forward: 0.4 })).toBe("topk 40\u202f%");
    expect(ruleInWords({ policy: { name: "nps", scaled: true }, forward: 0.4, backward: 0.05 })).toBe(
      "nps 40\u202f% · backward 5\u202f% · scaled",
    );
    expect(ruleInWords({ policy: { name: "meprop" }, backward: 0.06 })).toBe("meprop · backward 6\u202f%");
    expect(ruleInWords({ policy: "topk", mode: "backward_only", backward: 0.3 })).toBe("topk · backward 30\u202f%");
    expect(
      ruleInWords({ policy: "topk", forward: 0.4, schedule: { shape: "cosine", start: 1, exact_first_steps: 9 } }),
    ).toBe("topk 40\u202f% · cosine from 100\u202f% · exact for 9 steps");
    expect(ruleInWords(null)).toBe("exact");
  });

  it("take the first policy that samples for the whole spec", () => {
    expect(policyOf([{ policy: "exact" }, { policy: "bernoulli", forward: 0.2 }])).toBe("bernoulli");
    expect(policyOf([])).toBe("exact");
  });
});
