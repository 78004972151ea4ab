import { describe, expect, it } from "vitest";

import { chosenIds, firstChoice, withChosen } from "./choice";

describe("choice", () => {
  it("reads ids between commas, each once", () => {
    expect(chosenIds("a,b,,a")).toEqual(["a", "b"]);
    expect(chosenIds("")).toEqual([]);
  });

  it("ticks and unticks", () => {
    expect(withChosen(["a"], "b")).toBe("a,b");
    expect(withChosen(["a"], "a")).toBeNull();
  });

  it("takes one of every group before a second of any", () => {
    const jobs = ["a1", "a2", "a3", "b1", "b2"].map((id) => ({ id, group: id.slice(0, 1) }));
    expect(firstChoice(jobs, 3)).toEqual(["a1", "b1", "a2"]);
    expect(firstChoice(jobs, 10)).toHaveLength(5);
  });
});
