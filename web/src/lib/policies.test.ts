import { describe, expect, it } from "vitest";

import { inOrder, look, policyOf, ruleInWords, rulesInWords, strengthOf, variantLook, variantsAmong } from "./policies";

describe("looks", () => {
  it("differ in colour and in shape for every policy", () => {
    const looks = ["exact", "topk", "nps", "uniform", "bernoulli", "wta", "meprop", "unknown"].map(look);
    expect(new Set(looks.map((l) => l.colour)).size).toBe(looks.length);
    expect(new Set(looks.map((l) => l.shape)).size).toBe(looks.length);
  });

  it("are paler the fewer pairs are kept, and never out of sight", () => {
    expect([1, 0.5, 0.25].map(strengthOf)).toEqual([1, 0.8, 0.6]);
    expect([0, 0.001].map(strengthOf)).toEqual([0.4, 0.4]);
  });

  it("tell sampling policies apart by their dash", () => {
    const dashes = ["topk", "nps", "uniform", "bernoulli", "wta", "meprop", "unknown"].map((p) => look(p).dash.join());
    expect(new Set(dashes).size).toBe(dashes.length);
  });

  it("have variants in one colour that differ in shape and dash", () => {
    const looks = variantsAmong(["nps", "topk", "nps", "nps"]).map((variant) => variantLook("nps", variant));
    expect(looks.map((l) => l.dash.length > 0)).toEqual([false, false, true, true]);
    const [first, , second, third] = looks;
    expect(new Set([first, second, third].map((l) => `${l?.shape} ${l?.dash.join()}`)).size).toBe(3);
    expect(new Set(looks.map((l) => l.colour)).size).toBe(1);
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
    expect(ruleInWords({ policy: "topk", mode: "backward_only", backward: 0.3 })).toBe(
      "topk · backward only 30\u202f%",
    );
    expect(
      ruleInWords({ policy: "topk", forward: 0.4, schedule: { shape: "cosine", start: 1, exact_first_steps: 9 } }),
    ).toBe("topk 40\u202f% · cosine from 100\u202f% · exact for 9 steps");
    expect(
      ruleInWords({ policy: { name: "topk", exploration: 0.1, coverage: 0.9, refresh_every: 5 }, forward: 0.4 }),
    ).toBe("topk 40\u202f% · exploration 10\u202f% · coverage 90\u202f% · refreshed every 5");
    expect(ruleInWords(null)).toBe("exact");
  });

  it("say gates, and the layers where several rules sample", () => {
    expect(ruleInWords({ policy: "topk", forward: 0.4, gates: ["input", "cell"] })).toBe(
      "topk 40\u202f% · gates input, cell",
    );
    const rules = [{ layers: "fc1", policy: "topk", forward: 0.4 }, { layers: "fc2", policy: "nps", forward: 0.1 }];
    expect(rulesInWords(rules)).toBe("topk 40\u202f% on fc1 + nps 10\u202f% on fc2");
    expect(rulesInWords(rules.slice(0, 1))).toBe("topk 40\u202f%");
    expect(rulesInWords([])).toBe("exact");
  });

  it("take the first policy that samples for the whole spec", () => {
    expect(policyOf([{ policy: "exact" }, { policy: "bernoulli", forward: 0.2 }])).toBe("bernoulli");
    expect(policyOf([])).toBe("exact");
  });
});
