import { describe, expect, it } from "vitest";

import { BLANK, BLANK_STUDY, asList, asNumber, asSeeds, at, besides, draftOf, forgotten, isSame, put, submission } from "./draft";

describe("paths", () => {
  const spec = { training: { epochs: 3 }, approximation: [{ forward: 0.4 }, { forward: 0.5 }] };

  it("are read through lists", () => {
    expect(at(spec, "approximation.1.forward")).toBe(0.5);
    expect(at(spec, "training.batch_size")).toBeUndefined();
    expect(at(spec, "nothing.here")).toBeUndefined();
  });

  it("are written without touching what was there", () => {
    const next = put(spec, "approximation.1.forward", 0.6);
    expect(at(next, "approximation.1.forward")).toBe(0.6);
    expect(at(spec, "approximation.1.forward")).toBe(0.5);
    expect(put(spec, "training.epochs", undefined)).toEqual({ ...spec, training: {} });
    expect(put(spec, "approximation.0", undefined).approximation).toEqual([{ forward: 0.5 }]);
    expect(at(put(spec, "model.name", "cnn"), "model.name")).toBe("cnn");
  });
});

describe("typed numbers", () => {
  it("stay text where they are none, so that the service can say what is wrong", () => {
    expect(asNumber(" 0.4 ")).toBe(0.4);
    expect(asNumber("1e-3")).toBe(0.001);
    expect(asNumber("NaN")).toBe("NaN");
    expect(asNumber("many")).toBe("many");
    expect(asNumber("")).toBeUndefined();
    expect(asList("500, 500 10")).toEqual([500, 500, 10]);
    expect(asList("500, x")).toEqual([500, "x"]);
  });

  it("may be a range of seeds", () => {
    expect(asSeeds("0-3, 7 7")).toEqual([0, 1, 2, 3, 7]);
    expect(asSeeds("")).toBeNull();
    expect(asSeeds("3-1")).toBeNull();
    expect(asSeeds("-1")).toBeNull();
    expect(asSeeds("0-1000000000")).toBeNull();
    expect(asSeeds("99999999999999999999")).toBeNull();
  });
});

describe("submission", () => {
  it("is one job for one seed without its exact twin", () => {
    const made = submission({ ...BLANK, seeds: "4", withExact: false });
    expect(made?.kind).toBe("job");
    expect(at(made?.body, "spec.seed")).toBe(4);
  });

  it("is a sweep for several seeds, with the exact twin as its first variant", () => {
    const made = submission(BLANK);
    expect(made?.kind).toBe("sweep");
    expect(made?.count).toBe(6);
    expect(at(made?.body, "axes.seed")).toEqual([0, 1, 2]);
    expect(at(made?.body, "variants.0.approximation")).toEqual([]);
    expect(at(made?.body, "base.seed")).toBeUndefined();
  });

  it("has no twin where the spec is exact already, and none while seeds can't be read", () => {
    const exact = { ...BLANK, spec: { ...BLANK.spec, approximation: [] } };
    expect(submission(exact)?.count).toBe(3);
    expect(submission({ ...BLANK, seeds: "one" })).toBeNull();
  });
});

describe("submission of a study", () => {
  it("has a variant for each method, its own first", () => {
    const made = submission({ ...BLANK_STUDY, others: ["topk", "nps"], seeds: "0, 1" });
    expect(made).toMatchObject({ kind: "sweep", count: 4 });
    expect(made?.body.variants).toEqual([{ method: BLANK_STUDY.spec.method }, { method: { name: "topk" } }]);
    expect(submission({ ...BLANK_STUDY, others: [] })?.kind).toBe("job");
  });
});

describe("draftOf", () => {
  it("leaves out what the service filled in with null", () => {
    const made = draftOf({ dataset: { name: "digits", validation: null }, seed: 3 });
    expect(made.spec).toEqual({ dataset: { name: "digits" }, seed: 3 });
    expect(made.seeds).toBe("3");
  });

  it("writes a policy that is just its name as an object, for its parameters", () => {
    const made = draftOf({ approximation: [{ policy: "topk", forward: 0.3 }] });
    expect(made.spec.approximation).toEqual([{ policy: { name: "topk" }, forward: 0.3 }]);
  });
});

describe("forgotten", () => {
  it("drops texts at a path and beneath it, and no other", () => {
    const texts = { "model.hidden": "x", model: "y", models: "z", "training.epochs": "3" };
    expect(forgotten(texts, "model")).toEqual({ models: "z", "training.epochs": "3" });
  });
});

describe("methods beside a study's own", () => {
  it("are specs of their own, each under its name", () => {
    const draft = { ...BLANK_STUDY, others: ["nps", "random_walk"] };
    expect(besides(draft)).toEqual([
      { name: "random_walk", spec: { ...BLANK_STUDY.spec, method: { name: "random_walk" } } },
    ]);
    expect(besides(BLANK)).toEqual([]);
  });
});

describe("two specs", () => {
  it("are the same whatever the order of their keys, but not of their lists", () => {
    expect(isSame({ a: 1, b: [{ c: 2, d: 3 }] }, { b: [{ d: 3, c: 2 }], a: 1 })).toBe(true);
    expect(isSame({ a: [1, 2] }, { a: [2, 1] })).toBe(false);
    expect(isSame({ a: 1 }, { a: 1, b: 2 })).toBe(false);
  });
});
