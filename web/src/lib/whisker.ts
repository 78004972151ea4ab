/* Where the parts of a whisker stand on a common scale. */

export interface Ends {
  mean: number;
  low: number | null;
  high: number | null;
  margin: number;
  /** How far the scale goes to either side. */
  reach: number;
}

export interface Places {
  mean: number;
  low: number | null;
  high: number | null;
  zero: number;
  margin: number;
  /** Whether the mean lies off the scale, at the left. */
  isOff: boolean;
}

/** The reach that shows most of the differences; the farthest may lie off it, lest they squeeze the margin together. */
export function reachOf(ends: readonly Pick<Ends, "mean" | "low" | "high">[], margin: number): number {
  const farthest = Math.max(0, ...ends.flatMap(({ mean, low, high }) => [mean, low ?? 0, high ?? 0].map(Math.abs)));
  return Math.min(Math.max(farthest * 1.1, margin * 1.5), margin * 6);
}

export function whisker({ mean, low, high, margin, reach }: Ends, width: number): Places {
  const place = (value: number) => {
    const clipped = Math.max(-reach, Math.min(reach, value));
    return Number((((clipped + reach) / (2 * reach)) * (width - 8) + 4).toFixed(1));
  };
  return {
    mean: place(mean),
    low: low === null || high === null || high < -reach ? null : place(low),
    high: low === null || high === null || high < -reach ? null : place(high),
    zero: place(0),
    margin: place(-margin),
    isOff: mean < -reach,
  };
}
