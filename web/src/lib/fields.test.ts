import { describe, expect, it } from "vitest";

import { fieldInWords, fieldsOf, flatten, pathsAmong } from "./fields";

const spec = { model: { name: "mlp", hidden: [300, 100] }, approximation: [{ policy: { name: "topk" } }], seed: 1 };

describe("flatten", () => {
  it("opens mappings, and lists only where mappings are in them", () => {
    expect([...flatten(spec)]).toEqual([
      ["model.name", "mlp"],
      ["model.hidden", [300, 100]],
      ["approximation.0.policy.name", "topk"],
      ["seed", 1],
    ]);
    expect([...flatten({ approximation: [] })]).toEqual([["approximation", []]]);
  });

  it("works a spec out once", () => {
    expect(fieldsOf(spec)).toBe(fieldsOf(spec));
    expect(fieldsOf(null).size).toBe(0);
  });
});

describe("pathsAmong", () => {
  it("has every path of any spec once", () => {
    expect(pathsAmong([{ a: 1, b: 2 }, null, { b: 3, c: 4 }])).toEqual(["a", "b", "c"]);
  });

  it("keeps together what belongs together, and opens a list that is empty elsewhere", () => {
    const specs = [{ rules: [], seed: 0 }, { rules: [{ policy: "topk", forward: 1 }], seed: 1 }];
    expect(pathsAmong(specs)).toEqual(["rules.0.policy", "rules.0.forward", "seed"]);
  });
});

describe("fieldInWords", () => {
  it("says values as a person does", () => {
    expect([null, undefined, true, [300, 100], [], -0.5, "adam"].map(fieldInWords)).toEqual([
      "–",
      "–",
      "yes",
      "300, 100",
      "none",
      "−0.5",
      "adam",
    ]);
  });
});
