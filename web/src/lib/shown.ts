/* Which rows of a long list are in sight. Pure. */

/** Where each row begins, and at last where all end, in pixels. */
export function topsOf(heights: readonly number[]): number[] {
  const tops = [0];
  for (const height of heights) tops.push((tops.at(-1) ?? 0) + height);
  return tops;
}

/** The rows between two heights, and `over` more at either end: from the first to before the last. */
export function rowsBetween(tops: readonly number[], from: number, to: number, over: number): [number, number] {
  const count = tops.length - 1;
  const first = Math.max(0, lastUpTo(tops, from) - over);
  return [Math.min(first, count), Math.min(count, lastUpTo(tops, to) + 1 + over)];
}

/** The place of the last that is not above a value. */
function lastUpTo(tops: readonly number[], value: number): number {
  let [low, high] = [0, tops.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((tops[middle] ?? Infinity) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
