import { describe, expect, it } from "vitest";

import { departures } from "./departures";
import { BLANK, put } from "./draft";

describe("departures of a clone", () => {
  it("are none while nothing was changed", () => {
    expect(departures(BLANK, structuredClone(BLANK))).toEqual([]);
  });

  it("name the path, and what stood and stands there", () => {
    const spec = put(put(BLANK.spec, "training.epochs", 40), "approximation.0.forward", 0.2);
    expect(departures(BLANK, { ...BLANK, spec, name: "again", seeds: "0-4" })).toEqual([
      { path: "name", before: "empty", after: "again" },
      { path: "approximation.0.forward", before: "0.4", after: "0.2" },
      { path: "training.epochs", before: "30", after: "40" },
      { path: "seeds", before: "0, 1, 2", after: "0-4" },
    ]);
  });

  it("tell what was added or taken away, and a list of numbers as one value", () => {
    const spec = put(put(BLANK.spec, "model.hidden", [50]), "approximation", []);
    const found = departures(BLANK, { ...BLANK, spec, withExact: false });
    expect(found).toContainEqual({ path: "model.hidden", before: "[200,200]", after: "[50]" });
    expect(found.find(({ path }) => path === "approximation.0")?.after).toBe("not set");
    expect(found.at(-1)).toEqual({ path: "with its exact twin", before: "yes", after: "no" });
  });
});
