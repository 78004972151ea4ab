/* Studies of approximate products: what was asked, and the error at each size. Pure. */

import { count } from "./format";

/** What lists show as the network of a study. */
const STUDIED = ["matmul_error", "conv2d_error"];

export const isStudy = (job: { model: string }) => STUDIED.includes(job.model);

export interface StudySpec {
  operation: { name: string } & Record<string, number | string>;
}

const sizeOf = (spec: StudySpec, name: string) => Number(spec.operation[name] ?? 0);

/** The pairs that a product has: its ratio is the step (k) over them. */
export function pairsOf(spec: StudySpec): number {
  return sizeOf(spec, spec.operation.name === "conv2d" ? "channels" : "n") || 1;
}

/** 100 × 80 · 80 × 60, or 4 images 16 × 16 × 32 · 24 kernels 3 × 3. */
export function operationInWords(spec: StudySpec): string {
  const size = (name: string) => count(sizeOf(spec, name));
  if (spec.operation.name !== "conv2d") return `${size("m")} × ${size("n")} · ${size("n")} × ${size("p")}`;
  const side = size("image_size");
  const kernel = size("kernel_size");
  return `${size("batch")} images ${side} × ${side} × ${size("channels")} · ${size("filters")} kernels ${kernel} × ${kernel}`;
}

/** Errors that can be drawn, the expectation and the bound beside those that they speak of. */
export const ERRORS = [
  { name: "frobenius_error", label: "Frobenius", expected: true, bounded: true },
  { name: "rms_error", label: "RMS", expected: true, bounded: true },
  { name: "spectral_error", label: "Spectral", expected: false, bounded: true },
  { name: "element_error", label: "Per element", expected: false, bounded: true },
] as const;
export type ErrorName = (typeof ERRORS)[number]["name"];

export type Against = "pairs" | "work" | "time";

/** Every metric that a picture of studies needs. */
export const STUDY_METRICS = [
  ...ERRORS.map((one) => one.name),
  ...["expected_error", "error_bound", "compute_reduction", "product_seconds", "exact_product_seconds"],
];

interface CurveLike {
  job: string;
  metric: string;
  steps: readonly number[];
  values: readonly (number | null)[];
}

/** A metric of a job against the share of pairs, of work or of time; each k that has both. */
export function errorsOf(
  curves: readonly CurveLike[],
  job: string,
  metric: string,
  pairs: number,
  against: Against,
): { xs: number[]; ys: number[] } {
  const read = (name: string) => {
    const curve = curves.find((one) => one.job === job && one.metric === name);
    return new Map(curve?.steps.map((step, i) => [step, curve.values[i] ?? null]));
  };
  const [saved, seconds, exact] = ["compute_reduction", "product_seconds", "exact_product_seconds"].map(read);
  const place = (k: number): number | null => {
    if (against === "pairs") return k / pairs;
    if (against === "work") {
      const reduction = saved?.get(k);
      return typeof reduction === "number" ? 1 - reduction : null;
    }
    const [ours, theirs] = [seconds?.get(k), exact?.get(k)];
    return typeof ours === "number" && typeof theirs === "number" && theirs > 0 ? ours / theirs : null;
  };
  const points = [...read(metric)].flatMap(([k, y]): [number, number][] => {
    const x = place(k);
    return x === null || y === null ? [] : [[x, y]];
  });
  // Time is measured: it need not rise with k.
  points.sort((a, b) => a[0] - b[0]);
  return { xs: points.map(([x]) => x), ys: points.map(([, y]) => y) };
}

/** The value at the size nearest to a ratio, if there is one within a fortieth. */
export function near(line: { xs: readonly number[]; ys: readonly (number | null)[] }, ratio: number): number | null {
  let found: number | null = null;
  let least = 0.025 + 1e-9;
  line.xs.forEach((x, i) => {
    if (Math.abs(x - ratio) > least) return;
    least = Math.abs(x - ratio);
    found = line.ys[i] ?? null;
  });
  return found;
}
