import { describe, expect, it } from "vitest";

import { noteAt, outlineOf, pathsOf, settled, studyOutline, studyPaths } from "./outline";
import type { Source } from "./outline";
import type { Spec } from "./draft";
import { shownPaths } from "./schema";
import { fitting, taskOf } from "./tasks";
import type { Task } from "./tasks";

const SOURCE: Source = {
  models: [
    { name: "mlp", parameters: { properties: { hidden: { type: "array", items: { type: "integer" } } } } },
    { name: "guest", parameters: { properties: { width: { type: "integer", default: 8 } } } },
  ],
  datasets: [
    { name: "digits" },
    { name: "guests", parameters: { properties: { name: { const: "guests" }, noisy: { type: "boolean" } } } },
  ],
  policies: [
    { name: "exact", parameters: { properties: {} } },
    { name: "topk", parameters: { properties: {} } },
    { name: "meprop", parameters: { properties: {} } },
    { name: "nps", parameters: { properties: { scaled: { type: "boolean", default: false } } } },
  ],
  spec: {
    properties: {
      model: {},
      dataset: { $ref: "#/$defs/Dataset" },
      approximation: { type: "array", items: { $ref: "#/$defs/Rule" } },
      training: { $ref: "#/$defs/Training" },
      report: { $ref: "#/$defs/Report", default: { every_steps: 100 } },
      seed: { type: "integer" },
    },
    $defs: {
      Dataset: { type: "object", properties: { name: { type: "string" }, validation: { type: "integer" } } },
      Rule: {
        type: "object",
        properties: {
          layers: { type: "string", default: "*" },
          policy: { anyOf: [{ enum: ["exact", "topk", "nps", "meprop"], type: "string" }, { $ref: "#/$defs/Policy" }] },
          mode: { enum: ["both", "backward_only"], type: "string", default: "both" },
          forward: { type: "number", default: 1 },
          schedule: { anyOf: [{ $ref: "#/$defs/Schedule" }, { type: "null" }] },
          gates: { anyOf: [{ type: "array", items: { enum: ["input"], type: "string" } }, { type: "null" }] },
        },
      },
      Schedule: {
        type: "object",
        properties: {
          shape: { enum: ["constant", "linear", "step"], type: "string", default: "constant" },
          start: { type: "number", default: 1 },
          end_step: { anyOf: [{ type: "integer" }, { type: "null" }] },
          milestones: { type: "array", items: { type: "integer" }, default: [] },
          exact_last: { type: "number", default: 0 },
        },
      },
      Policy: {
        type: "object",
        properties: {
          name: { enum: ["exact", "topk", "nps", "meprop"], type: "string" },
          scaled: { type: "boolean", default: false },
        },
      },
      Training: {
        type: "object",
        properties: { epochs: { type: "integer" }, steps: { type: "integer" }, batch_size: { type: "integer" } },
      },
      Report: { type: "object", properties: { every_steps: { type: "integer", default: 100 } } },
    },
  },
};

const spec = (more: Spec = {}): Spec => ({
  model: { name: "guest" },
  dataset: { name: "digits" },
  approximation: [{ layers: "*", policy: { name: "nps" } }, { policy: { name: "exact" } }],
  training: { epochs: 3 },
  ...more,
});

describe("outline", () => {
  it("has the fields of a network and of a data set that a package brought", () => {
    expect(outlineOf(SOURCE, spec(), false).model.map((one) => one.path)).toEqual(["model.width"]);
    expect(outlineOf(SOURCE, spec(), false).dataset.map((one) => one.path)).toEqual(["dataset.validation"]);
    const guests = outlineOf(SOURCE, spec({ dataset: { name: "guests" } }), false);
    expect(guests.dataset.map((one) => one.path)).toEqual(["dataset.noisy"]);
  });

  it("asks of texts nothing that is for images alone", () => {
    const reader = { ...SOURCE, models: [{ name: "guest", task: "language-modelling" }] };
    expect(outlineOf(reader, spec(), false).dataset).toEqual([]);
    const text = { name: "guests", parameters: { properties: { train_limit: { type: "integer" } } } };
    const [limit] = outlineOf({ ...reader, datasets: [text] }, spec({ dataset: { name: "guests" } }), false).dataset;
    expect(limit?.label).toBe("Training words at most");
  });

  it("has a row per rule with the parameters of its policy, none for exact", () => {
    const [nps, exact] = outlineOf(SOURCE, spec(), false).rules;
    expect(nps?.fields.map((one) => one.name)).toEqual(["layers", "policy", "mode", "forward", "schedule"]);
    expect(shownPaths(nps?.fields ?? [], spec())).toContain("approximation.0.policy.scaled");
    expect(exact?.fields.map((one) => one.path)).toEqual(["approximation.1.layers", "approximation.1.policy"]);
    expect(shownPaths(exact?.fields ?? [], spec())).not.toContain("approximation.1.policy.scaled");
    expect(nps?.fields[1]).toMatchObject({ kind: "union", variants: [{}, {}, { name: "nps" }, { name: "meprop" }] });
  });

  const names = (rule: Spec, gated = false) =>
    outlineOf(SOURCE, spec({ approximation: [rule] }), gated).rules[0]?.fields.slice(2).map((one) => one.name);

  it("offers gates where the network has some, and where a rule names them already", () => {
    expect(names({ policy: { name: "nps" } }, true)).toEqual(["mode", "forward", "schedule", "gates"]);
    expect(names({ policy: { name: "nps" } })).toEqual(["mode", "forward", "schedule"]);
    expect(names({ policy: { name: "nps" }, gates: ["input"] })).toEqual(["mode", "forward", "schedule", "gates"]);
  });

  it("asks for no forward ratio where gradients alone are sampled", () => {
    expect(names({ policy: { name: "nps" }, mode: "backward_only" })).toEqual(["mode", "schedule"]);
    expect(names({ policy: { name: "meprop" } })).toEqual(["schedule"]);
  });

  it("offers of a schedule what its shape has, and takes the rest away", () => {
    const scheduled = (schedule: Spec) => spec({ approximation: [{ policy: { name: "nps" }, schedule }] });
    const offered = (schedule: Spec) =>
      shownPaths(outlineOf(SOURCE, scheduled(schedule), false).rules[0]?.fields ?? [], scheduled(schedule))
        .filter((path) => path.includes("schedule."))
        .map((path) => path.slice("approximation.0.schedule.".length));
    expect(offered({})).toEqual(["shape", "exact_last"]);
    expect(offered({ shape: "linear" })).toEqual(["shape", "start", "end_step", "exact_last"]);
    expect(offered({ shape: "step" })).toEqual(["shape", "start", "milestones", "exact_last"]);
    expect(offered({ shape: "constant", milestones: [9] })).toContain("milestones");
    expect(offered({ shape: "constant", start: 1, milestones: [] })).toEqual(["shape", "exact_last"]);
    expect(settled(scheduled({ shape: "linear", start: 0.9, milestones: [9] })).approximation).toEqual([
      { policy: { name: "nps" }, schedule: { shape: "linear", start: 0.9 } },
    ]);
  });

  it("says what an empty forward ratio means", () => {
    const note = (rule: Spec) => noteAt(spec({ approximation: [rule] }), "approximation.0.forward");
    expect(note({ policy: { name: "nps" } })).toBe("Left empty it is 100\u202f%: nothing is approximated.");
    expect(note({ policy: { name: "nps" }, backward: 0.5 })).toContain("the forward product is exact");
    expect(note({ policy: { name: "nps" }, forward: 1 })).toBe("");
    expect(note({ policy: { name: "nps", coverage: 0.9 } })).toBe("");
    expect(noteAt(spec(), "training.epochs")).toBe("");
  });

  it("leaves length and seeds to fields of their own, and gathers the rest", () => {
    const outline = outlineOf(SOURCE, spec(), false);
    expect(outline.training.map((one) => one.name)).toEqual(["batch_size"]);
    expect(outline.more.map((one) => one.name)).toEqual(["report"]);
    const paths = pathsOf(outline, spec());
    expect(paths).toContain("training.epochs");
    expect(paths).not.toContain("training.steps");
    expect(paths).toContain("approximation.1.policy");
    expect(paths).toContain("report.every_steps");
  });
});

describe("the outline of a study", () => {
  it("takes the parameters of policies from the catalog, and keeps those of other methods", () => {
    const study = {
      properties: {
        kind: { const: "matmul_error" },
        draws: { type: "integer", default: 1000 },
        method: { anyOf: [{ $ref: "#/$defs/Policy" }, { $ref: "#/$defs/SVD" }] },
        resources: { type: "object", properties: { threads: { type: "integer" } } },
        seed: { type: "integer" },
      },
      $defs: {
        Policy: {
          type: "object",
          properties: { name: { enum: ["topk", "nps"], type: "string" }, scaled: { type: "boolean" } },
        },
        SVD: { type: "object", properties: { name: { const: "svd" }, power: { type: "integer" } } },
      },
    };
    const outline = studyOutline({ policies: SOURCE.policies, study });
    expect(outline.main.map((one) => one.name)).toEqual(["draws", "method"]);
    const paths = (method: string) => studyPaths(outline, { method: { name: method } });
    expect(paths("svd")).toContain("method.power");
    expect(paths("nps")).toContain("method.scaled");
    expect(paths("topk")).not.toContain("method.scaled");
    expect(paths("topk")).toContain("resources.threads");
  });
});

describe("settled", () => {
  it("takes away what a rule has no place for", () => {
    const rules: Spec[] = [
      { layers: "fc1", policy: { name: "exact" }, forward: 0.4 },
      { policy: { name: "topk" }, mode: "backward_only", forward: 0.4, backward: 0.1 },
      { policy: { name: "meprop" }, mode: "both", forward: 0.4, backward: 0.1 },
      { policy: { name: "nps" }, mode: "both", forward: 0.4 },
    ];
    expect(settled({ approximation: rules }).approximation).toEqual([
      { layers: "fc1", policy: { name: "exact" } },
      { policy: { name: "topk" }, mode: "backward_only", backward: 0.1 },
      { policy: { name: "meprop" }, backward: 0.1 },
      { policy: { name: "nps" }, mode: "both", forward: 0.4 },
    ]);
  });
});

describe("data sets", () => {
  it("are offered to the networks of their own task", () => {
    const datasets = [
      { name: "digits", task: "classification" as const },
      { name: "ptb", task: "language-modelling" as const },
    ];
    const names = (model?: { name: string; task: Task }) => fitting(datasets, model).map((one) => one.name);
    expect(names({ name: "mlp", task: "classification" })).toEqual(["digits"]);
    expect(names({ name: "lstm", task: "language-modelling" })).toEqual(["ptb"]);
    expect(names(undefined)).toEqual(["digits"]);
    expect(taskOf("ptb", datasets)).toBe("language-modelling");
    expect(taskOf("unheard of", datasets)).toBe("classification");
  });
});
