/* Curves of several seeds as one: mean and spread on a common axis. */

export interface Line {
  xs: readonly number[];
  ys: readonly (number | null)[];
}

export interface Band {
  xs: number[];
  mean: number[];
  std: number[];
  /** Lines that have a value there. */
  n: number[];
}

/** Mean and sample standard deviation of lines, each read between its points by a straight line. */
export function band(lines: readonly Line[]): Band {
  const grid = [...new Set(lines.flatMap((line) => [...line.xs]))].sort((a, b) => a - b);
  const readers = lines.map(reader);
  const result: Band = { xs: [], mean: [], std: [], n: [] };
  for (const x of grid) {
    const values = readers.map((read) => read(x)).filter((value) => value !== null);
    if (values.length === 0) continue;
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    result.xs.push(x);
    result.mean.push(mean);
    result.std.push(values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0);
    result.n.push(values.length);
  }
  return result;
}

function reader(line: Line): (x: number) => number | null {
  const points: [number, number][] = [];
  line.xs.forEach((x, i) => {
    const y = line.ys[i];
    if (typeof y === "number" && Number.isFinite(y)) points.push([x, y]);
  });
  let at = 0;
  // The grid is walked from left to right, so one pass over the points is enough.
  return (x) => {
    while (at + 1 < points.length && (points[at + 1]?.[0] ?? Infinity) <= x) at += 1;
    const left = points[at];
    const right = points[at + 1];
    if (!left || x < left[0]) return null;
    if (x === left[0]) return left[1];
    if (!right) return null;
    return left[1] + ((right[1] - left[1]) * (x - left[0])) / (right[0] - left[0]);
  };
}

/** Exponential smoothing that starts unbiased; 0 leaves the line as it is. */
export function smooth(ys: readonly (number | null)[], weight: number): (number | null)[] {
  if (weight <= 0) return [...ys];
  let sum = 0;
  let mass = 0;
  return ys.map((y) => {
    if (y === null || !Number.isFinite(y)) return null;
    sum = weight * sum + (1 - weight) * y;
    mass = weight * mass + (1 - weight);
    return sum / mass;
  });
}
