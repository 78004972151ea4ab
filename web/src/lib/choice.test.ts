import { describe, expect, it } from "vitest";

import { chosenIds, firstChoice, MOST_CHOSEN, rangeOf, withMany } from "./choice";

describe("choice", () => {
  it("reads ids between commas, each once", () => {
    expect(chosenIds("a,b,,a")).toEqual(["a", "b"]);
    expect(chosenIds("")).toEqual([]);
  });

  it("ticks and unticks", () => {
    expect(withMany(["a"], ["b", "a", "c"], true)).toBe("a,b,c");
    expect(withMany(["a", "b"], ["a"], false)).toBe("b");
    expect(withMany(["a"], ["a"], false)).toBeNull();
  });

  it("ticks no more than an address can hold", () => {
    const many = Array.from({ length: 600 }, (_, i) => `j${i}`);
    expect(withMany([], many, true)?.split(",")).toHaveLength(MOST_CHOSEN);
  });

  it("takes a range either way, and one alone where its beginning is gone", () => {
    const shown = ["a", "b", "c", "d"];
    expect(rangeOf(shown, "b", "d")).toEqual(["b", "c", "d"]);
    expect(rangeOf(shown, "d", "b")).toEqual(["b", "c", "d"]);
    expect(rangeOf(shown, "x", "c")).toEqual(["c"]);
    expect(rangeOf(shown, null, "c")).toEqual(["c"]);
  });

  it("takes one of every group before a second of any", () => {
    const jobs = ["a1", "a2", "a3", "b1", "b2"].map((id) => ({ id, group: id.slice(0, 1) }));
    expect(firstChoice(jobs, 3)).toEqual(["a1", "b1", "a2"]);
    expect(firstChoice(jobs, 10)).toHaveLength(5);
  });
});
