/* What each layer of a job saves and how far off its products are. Pure: rows of the report in, findings out. */

export interface LayerRow {
  layer: string;
  product: string;
  policy: string;
  ratio: number;
  pairs: number;
  kept: number | null;
  exact_macs: number;
  performed_macs: number;
  never_kept: number | null;
  error: number | null;
}

/** A layer with its products, in the order of the report. */
export interface Layer<R extends LayerRow = LayerRow> {
  name: string;
  rows: R[];
  exact: number;
  saved: number;
  /** The largest error of its products; null where none was measured. */
  error: number | null;
}

export const PRODUCTS: Record<string, string> = {
  forward: "forward",
  grad_input: "input gradient",
  grad_weight: "weight gradient",
};

export const productName = (product: string) => PRODUCTS[product] ?? product.replaceAll("_", " ");

export const savedOf = (row: LayerRow) => row.exact_macs - row.performed_macs;

/** Whether a gradient is exact but has less work: it leaves nothing out of what the forward product kept. */
export const isExactOfRest = (row: LayerRow) => row.policy === "exact" && savedOf(row) > 0;

/** Share of pairs that a product kept, of those there are; drawn twice counts twice, so it may pass 1. */
export function keptShare(row: LayerRow): number | null {
  return row.kept === null || row.pairs === 0 ? null : row.kept / row.pairs;
}

/** Whether nothing was left out anywhere. */
export function isExact(rows: readonly LayerRow[]): boolean {
  return rows.every((row) => row.policy === "exact");
}

export function byLayer<R extends LayerRow>(rows: readonly R[]): Layer<R>[] {
  const layers = new Map<string, Layer<R>>();
  for (const row of rows) {
    const layer = layers.get(row.layer) ?? { name: row.layer, rows: [], exact: 0, saved: 0, error: null };
    layer.rows.push(row);
    layer.exact += row.exact_macs;
    layer.saved += savedOf(row);
    if (row.error !== null) layer.error = Math.max(layer.error ?? 0, row.error);
    layers.set(row.layer, layer);
  }
  return [...layers.values()];
}

export type Order = "network" | "saved" | "error";

/** Layers as the network has them, or those first that save or err most. */
export function ordered<R extends LayerRow>(layers: readonly Layer<R>[], order: Order): Layer<R>[] {
  if (order === "network") return [...layers];
  const value = (layer: Layer<R>) => (order === "saved" ? layer.saved : (layer.error ?? -1));
  return [...layers].sort((a, b) => value(b) - value(a));
}

export interface Findings {
  /** Share of all exact MACs that was saved; null where there was nothing to do. */
  saved: number | null;
  /** The layer that saves most, with its part of all that is saved and of its own work. */
  most: { layer: string; ofSaved: number; ofOwn: number } | null;
  /** The product that is furthest off. */
  worst: { layer: string; product: string; error: number } | null;
  /** The product that left the most pairs out for good. */
  missed: { layer: string; product: string; share: number } | null;
}

/** What a reader should know first. */
export function findings(rows: readonly LayerRow[]): Findings {
  const layers = byLayer(rows);
  const exact = layers.reduce((sum, layer) => sum + layer.exact, 0);
  const saved = layers.reduce((sum, layer) => sum + layer.saved, 0);
  const [first] = ordered(layers, "saved");
  const most =
    first && first.saved > 0
      ? { layer: first.name, ofSaved: saved > 0 ? first.saved / saved : 1, ofOwn: first.saved / first.exact }
      : null;
  const largest = (value: (row: LayerRow) => number | null) =>
    rows.reduce<LayerRow | null>((a, b) => ((value(b) ?? 0) > (a ? (value(a) ?? 0) : 0) ? b : a), null);
  const worst = largest((row) => row.error);
  const missed = largest((row) => row.never_kept);
  return {
    saved: exact > 0 ? saved / exact : null,
    most,
    worst: worst && { layer: worst.layer, product: productName(worst.product), error: worst.error ?? 0 },
    missed: missed && { layer: missed.layer, product: productName(missed.product), share: missed.never_kept ?? 0 },
  };
}
