import { describe, expect, it } from "vitest";

import { answersOf } from "./answers";
import { measureOf } from "./measures";
import type { Terms } from "./verdict";

const POINTS: Terms = { measure: measureOf("best_test_accuracy"), margin: { value: 0.2, is_relative: false } };
const PERPLEXITY: Terms = {
  measure: { ...measureOf("best_test_perplexity"), better: "lower" },
  margin: { value: 1, is_relative: true },
};
const SURE = { low: -0.005, high: -0.003, n: 5, paired: true, verdict: "worse" as const, more_seeds: null, says: "worse" };

type Told = Parameters<typeof answersOf>[0][number];
const group = (key: string, policy: string, saved: number | null, difference: number | null, more = {}): Told => ({
  key,
  policy,
  label: key,
  is_baseline: false,
  x: { mean: saved },
  y: { mean: saved === null ? null : 0.97 },
  evidence: difference === null ? null : { ...SURE, mean: difference },
  members: [],
  seconds_ratio: null,
  time_caveat: null,
  ...more,
});

const words = (groups: Told[], terms = POINTS) =>
  answersOf(groups, terms).map(({ policy, answers }) => [policy, ...answers.map((one) => `${one.saves}, ${one.costs}`)]);

describe("answersOf", () => {
  it("says for each policy what its groups save and cost, the least saving first", () => {
    const groups = [
      group("e", "exact", 0, null, { is_baseline: true }),
      group("a", "nps", 0.8, -0.0624),
      group("b", "topk", 0.6, -0.004),
      group("c", "topk", 0.4, 0.0012),
    ];
    expect(words(groups)).toEqual([
      ["topk", "saves 40\u202f%, gains 0.12", "saves 60\u202f%, costs 0.40"],
      ["nps", "saves 80\u202f%, costs 6.24"],
    ]);
    expect(answersOf(groups, POINTS)[0]?.answers[1]).toMatchObject({ give: "±0.10", kind: "worse", which: "" });
  });

  it("calls more time no saving, and a higher perplexity a cost", () => {
    expect(words([group("a", "topk", -0.362, 3.2)], PERPLEXITY)).toEqual([["topk", "takes 36\u202f% more, costs 3.20"]]);
    expect(words([group("a", "topk", 0.001, 0.000001)])).toEqual([["topk", "saves nothing, costs nothing"]]);
  });

  it("makes nothing up without a result or a baseline", () => {
    const waits = [{ reason: null, state: "running" }];
    expect(words([group("a", "topk", null, null, { members: waits })])[0]?.[1]).toContain("no result yet");
    const members = [
      { reason: "diverged", state: "failed" },
      { reason: null, state: "succeeded" },
    ];
    expect(words([group("a", "topk", null, null, { members })])[0]?.[1]).toContain("1 of 2 diverged");
    const [lost] = answersOf([group("a", "topk", 0.5, 0, { evidence: { ...SURE, mean: 0, says: "1 of 3 diverged" } })], POINTS);
    expect(lost?.answers[0]).toMatchObject({ costs: "costs nothing", give: "±0.10, 1 of 3 diverged" });
    expect(words([group("a", "topk", 0.5, null)])[0]?.[1]).toBe("saves 50\u202f%, reaches 97.00\u202f%");
  });

  it("names those that save as much, and counts what it leaves to the table", () => {
    const [same] = answersOf([group("topk 40 %", "topk", 0.6, 0), group("topk 40 %, b", "topk", 0.6, 0)], POINTS);
    expect(same?.answers.map((one) => one.which)).toEqual(["topk 40 %", "topk 40 %, b"]);
    const [many] = answersOf(Array.from({ length: 9 }, (_, i) => group(`${i}`, "topk", i / 10, 0)), POINTS);
    expect([many?.answers.length, many?.more]).toEqual([6, 3]);
  });
});
