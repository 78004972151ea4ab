import { describe, expect, it } from "vitest";

import { byLayer, findings, isExact, keptShare, ordered } from "./layering";
import type { LayerRow } from "./layering";

const row = (layer: string, product: string, exact: number, performed: number, more: Partial<LayerRow> = {}): LayerRow => ({
  layer,
  product,
  policy: "topk",
  ratio: 0.5,
  pairs: 64,
  kept: 32,
  exact_macs: exact,
  performed_macs: performed,
  never_kept: null,
  error: null,
  ...more,
});

const rows = [
  row("fc1", "forward", 1000, 400, { error: 0.1, never_kept: 0.25 }),
  row("fc1", "grad_weight", 1000, 900, { error: 0.3 }),
  row("fc2", "forward", 100, 10, { error: 0.2 }),
  row("fc3", "forward", 300, 300, { policy: "exact" }),
];

describe("layers", () => {
  it("are summed over their products in the order of the network", () => {
    expect(byLayer(rows).map(({ name, exact, saved, error }) => [name, exact, saved, error])).toEqual([
      ["fc1", 2000, 700, 0.3],
      ["fc2", 100, 90, 0.2],
      ["fc3", 300, 0, null],
    ]);
  });

  it("are sorted by what they save and by how far off they are", () => {
    const turned = byLayer(rows).reverse();
    expect(ordered(turned, "saved").map((layer) => layer.name)).toEqual(["fc1", "fc2", "fc3"]);
    expect(ordered(turned, "error").map((layer) => layer.name)).toEqual(["fc1", "fc2", "fc3"]);
    expect(ordered(turned, "network").map((layer) => layer.name)).toEqual(["fc3", "fc2", "fc1"]);
  });

  it("say which saves most, which errs most and which pairs were never chosen", () => {
    const found = findings(rows);
    expect(found.saved).toBeCloseTo(790 / 2400);
    expect(found.most).toEqual({ layer: "fc1", ofSaved: 700 / 790, ofOwn: 0.35 });
    expect(found.worst).toEqual({ layer: "fc1", product: "weight gradient", error: 0.3 });
    expect(found.missed).toEqual({ layer: "fc1", product: "forward", share: 0.25 });
  });

  it("find nothing where nothing was saved, measured or done", () => {
    expect(findings([])).toEqual({ saved: null, most: null, worst: null, missed: null });
    const none = [row("fc1", "forward", 100, 120), row("fc2", "forward", 0, 0)];
    expect(findings(none)).toMatchObject({ most: null, worst: null });
  });

  it("are exact where every policy is", () => {
    expect(isExact(rows)).toBe(false);
    expect(isExact(rows.slice(3))).toBe(true);
  });

  it("keep a share of their pairs, above 1 where pairs are drawn twice", () => {
    expect(keptShare(row("fc1", "forward", 1, 1, { kept: 96 }))).toBe(1.5);
    expect(keptShare(row("fc1", "forward", 1, 1, { kept: null }))).toBeNull();
    expect(keptShare(row("fc1", "forward", 1, 1, { pairs: 0 }))).toBeNull();
  });
});
