import { describe, expect, it } from "vitest";

import { entriesOf } from "./listing";

const job = (id: string, changes: object = {}) => ({
  id,
  sweep_id: null,
  policy: "topk",
  model: "mlp",
  dataset: "digits",
  state: "succeeded",
  ...changes,
});
const labels = (entries: ReturnType<typeof entriesOf>) =>
  entries.map((entry) => (entry.kind === "head" ? `${entry.label} (${entry.ids.length})` : entry.key));

describe("entriesOf", () => {
  it("leaves jobs as they are without a grouping", () => {
    expect(labels(entriesOf([job("a"), job("b")], "", new Map()))).toEqual(["a", "b"]);
    expect(labels(entriesOf([job("a")], "nonsense", new Map()))).toEqual(["a"]);
  });

  it("puts policies in the order of legends, exact first, and keeps the places", () => {
    const entries = entriesOf([job("a"), job("b", { policy: "exact" }), job("c")], "policy", new Map());
    expect(labels(entries)).toEqual(["exact (1)", "b", "topk (2)", "a", "c"]);
    expect(entries.at(-1)).toMatchObject({ place: 2 });
  });

  it("puts what is at work above what has ended", () => {
    const jobs = [job("a"), job("b", { state: "failed" }), job("c", { state: "running" })];
    expect(labels(entriesOf(jobs, "state", new Map()))).toEqual(["running (1)", "c", "failed (1)", "b", "succeeded (1)", "a"]);
  });

  it("names sweeps, those without one too", () => {
    const jobs = [job("a", { sweep_id: "s" }), job("b"), job("c", { sweep_id: "t" })];
    expect(labels(entriesOf(jobs, "sweep", new Map([["s", "paper"]])))).toEqual([
      "paper (1)",
      "a",
      "no sweep (1)",
      "b",
      "an older sweep (1)",
      "c",
    ]);
  });
});
