import { describe, expect, it } from "vitest";

import { chosenOf, fieldsOf, placed, shownPaths } from "./schema";
import type { Field, Schema } from "./schema";

const ROOT: Schema = {
  properties: {
    name: { const: "lstm", default: "lstm", type: "string" },
    hidden: { type: "integer", default: 650, title: "Hidden" },
    sizes: { type: "array", items: { type: "integer" }, default: [300, 200] },
    tied: { type: "boolean", default: false, description: "Share the embedding." },
    clip_norm: { anyOf: [{ type: "number" }, { type: "null" }], default: null },
    precision: { enum: ["fp32", "bf16"], type: "string", default: "fp32" },
    gates: { anyOf: [{ type: "array", items: { $ref: "#/$defs/Gate" } }, { type: "null" }], default: null },
    optimizer: {
      oneOf: [{ $ref: "#/$defs/SGD" }, { $ref: "#/$defs/Adam" }],
      discriminator: { propertyName: "name" },
      default: { name: "adam", lr: 0.001 },
    },
    schedule: { anyOf: [{ $ref: "#/$defs/SGD" }, { $ref: "#/$defs/Adam" }, { type: "null" }], default: null },
    other: {
      anyOf: [
        {
          oneOf: [{ $ref: "#/$defs/SGD" }, { $ref: "#/$defs/Adam" }],
          discriminator: { propertyName: "name" },
        },
        { type: "null" },
      ],
      default: null,
    },
    report: { $ref: "#/$defs/Report", default: { every_steps: 100 } },
    window: { anyOf: [{ $ref: "#/$defs/Report" }, { type: "null" }], default: null },
    policy: { anyOf: [{ enum: ["topk", "nps"], type: "string" }, { $ref: "#/$defs/Policy" }] },
    method: {
      anyOf: [{ enum: ["svd"], type: "string" }, { $ref: "#/$defs/Policy" }, { $ref: "#/$defs/SGD" }],
      default: { name: "sgd" },
    },
    size: { anyOf: [{ type: "integer" }, { type: "string" }], default: "auto" },
    extra: { type: "object", additionalProperties: true } as Schema,
  },
  $defs: {
    Policy: {
      properties: { name: { enum: ["topk", "nps"], type: "string" }, scaled: { type: "boolean" } },
      type: "object",
    },
    Gate: { enum: ["input", "forget"], type: "string" },
    SGD: { description: "Plain.\n\nMore.", properties: { name: { const: "sgd" }, lr: { type: "number" } }, type: "object" },
    Adam: { properties: { name: { const: "adam" }, beta1: { type: "number", default: 0.9 } }, type: "object" },
    Report: { type: "object", properties: { every_steps: { type: "integer", default: 100 } } },
  },
};

const fields = fieldsOf(ROOT, "model");
const named = (name: string) => fields.find((one) => one.name === name) as Field;

describe("fields of a schema", () => {
  it("are of the kind that their type asks for, in the schema's order", () => {
    expect(fields.map((one) => [one.name, one.kind])).toEqual([
      ["hidden", "number"],
      ["sizes", "list"],
      ["tied", "flag"],
      ["clip_norm", "number"],
      ["precision", "choice"],
      ["gates", "set"],
      ["optimizer", "union"],
      ["schedule", "union"],
      ["other", "union"],
      ["report", "part"],
      ["window", "part"],
      ["policy", "union"],
      ["method", "union"],
      ["size", "number"],
    ]);
  });

  it("say their defaults, their words and whether they may be left out", () => {
    expect(named("hidden")).toMatchObject({ path: "model.hidden", label: "Hidden", hint: "650", optional: false });
    expect(named("sizes").hint).toBe("300, 200");
    expect(named("tied").help).toBe("Share the embedding.");
    expect(named("clip_norm")).toMatchObject({ hint: "", optional: true, label: "Clip gradient norm" });
    expect(named("gates")).toMatchObject({ options: ["input", "forget"], optional: true });
  });

  it("hold the variants of a union with the fields of each, without the tag", () => {
    expect(named("optimizer")).toMatchObject({
      tag: "name",
      first: "adam",
      optional: false,
      variants: [
        { name: "sgd", help: "Plain.", fields: [{ path: "model.optimizer.lr" }] },
        { name: "adam", fields: [{ path: "model.optimizer.beta1", hint: "0.9" }] },
      ],
    });
    expect(named("other")).toMatchObject({ first: "", optional: true, variants: [{ name: "sgd" }, { name: "adam" }] });
    expect(named("policy")).toMatchObject({ first: "topk", variants: [{ name: "topk" }, { name: "nps" }] });
    expect(named("method")).toMatchObject({ first: "sgd", variants: [{}, {}, { name: "sgd" }] });
    expect(named("schedule")).toMatchObject({ tag: "name", first: "", optional: true });
  });
});

describe("paths that are shown", () => {
  it("follow what was chosen", () => {
    const blank = shownPaths(fields, {});
    expect(blank).toContain("model.optimizer.beta1");
    expect(blank).toContain("model.report.every_steps");
    expect(blank).not.toContain("model.schedule.lr");
    expect(blank).not.toContain("model.window.every_steps");
    const chosen = { model: { optimizer: { name: "sgd" }, schedule: { name: "sgd" }, window: {} } };
    const shown = shownPaths(fields, chosen);
    expect(shown).toContain("model.schedule.lr");
    expect(shown).toContain("model.window.every_steps");
    expect(shown).not.toContain("model.optimizer.beta1");
    expect(chosenOf(named("optimizer") as Field & { kind: "union" }, chosen)).toBe("sgd");
  });
});

describe("errors", () => {
  it("stand at the nearest shown field above them; the rest keeps its path", () => {
    const errors = [
      { loc: "model.sizes.1", msg: "must be an integer" },
      { loc: "model.hidden", msg: "too large" },
      { loc: "model.hidden", msg: "odd" },
      { loc: "resources.kind", msg: "no such kind" },
      { loc: "", msg: "refused" },
    ];
    const found = placed(errors, ["model", ...shownPaths(fields, {})]);
    expect(found.get("model.sizes")).toEqual(["must be an integer"]);
    expect(found.get("model.hidden")).toEqual(["too large", "odd"]);
    expect(found.get("")).toEqual(["resources.kind: no such kind", "refused"]);
  });
});
