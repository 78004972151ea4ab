import { describe, expect, it } from "vitest";

import { along, curvesOption } from "./curves";
import type { Theme } from "./theme";

const theme = { colour: (name: string) => name } as unknown as Theme;
const line = { id: "j", name: "job", policy: "topk", strength: 1, xs: [1, 2, 3], ys: [3, null, 1] };
const plain = { axis: "step", smoothing: 0, isShare: false, logScale: false } as const;

const series = (option: object) => (option as { series: { id: string; data: (number | null)[][] }[] }).series;

describe("curves", () => {
  it("keep a gap where a value is not finite", () => {
    expect(series(curvesOption([line], plain, theme))[0]?.data).toEqual([
      [1, 3],
      [2, null],
      [3, 1],
    ]);
  });

  it("keep the raw line behind the smoothed one", () => {
    const ids = series(curvesOption([line], { ...plain, smoothing: 0.5 }, theme)).map((one) => one.id);
    expect(ids).toEqual(["j:raw", "j:line"]);
  });

  it("draw the spread of a mean as a band behind it, and leave zero out of a logarithm", () => {
    const mean = { ...line, ys: [3, 0, 1], std: [1, 0, 0.5] };
    const [band, main] = series(curvesOption([mean], plain, theme));
    expect(band?.id).toBe("j:band");
    expect(band?.data[0]).toEqual([1, 2, 4]);
    expect(main?.data[1]).toEqual([2, 0]);
    expect(series(curvesOption([mean], { ...plain, logScale: true }, theme))[1]?.data[1]).toEqual([2, null]);
  });

  it("name each whole step once, the last one too where there are few", () => {
    const axis = (xs: number[], over: "step" | "seconds" = "step") =>
      (curvesOption([{ ...line, xs, ys: xs }], { ...plain, axis: over }, theme) as {
        xAxis: { minInterval?: number; axisLabel: { showMaxLabel: boolean } };
      }).xAxis;
    expect(axis([1, 2])).toMatchObject({ minInterval: 1, axisLabel: { showMaxLabel: true } });
    expect(axis([1, 200])).toMatchObject({ minInterval: 1, axisLabel: { showMaxLabel: false } });
    // Said even so: the options of an axis are merged with those of the one before.
    expect(axis([1, 2], "seconds").minInterval).toBe(0);
  });

  it("read seconds between two measurements by a straight line", () => {
    const job = { stepsPerEpoch: 5, seconds: { steps: [10, 20], values: [2, 4] } };
    expect(along([5, 10, 15, 30], "seconds", job)).toEqual([1, 2, 3, 4]);
    expect(along([5, 10], "epoch", job)).toEqual([1, 2]);
    expect(along([5, 10], "step", job)).toEqual([5, 10]);
  });

  it("have no place on an axis that their job does not tell of", () => {
    const job = { stepsPerEpoch: null, seconds: null };
    expect(along([5, 10], "seconds", job)).toBeNull();
    expect(along([5, 10], "seconds", { ...job, seconds: { steps: [], values: [] } })).toBeNull();
    expect(along([5, 10], "epoch", job)).toBeNull();
    expect(along([5, 10], "step", job)).toEqual([5, 10]);
  });
});
