import { describe, expect, it } from "vitest";

import { studyLabel, studyOption } from "./study";
import type { ErrorLine } from "./study";

const theme = { colour: (name: string) => name, ink3: "grey" } as unknown as Parameters<typeof studyOption>[2];
const none = { xs: [], ys: [] };
const lines: ErrorLine[] = [
  { id: "a", name: "topk", policy: "topk", variant: 0, xs: [0.1, 1], ys: [0.3, 0], expected: none },
  { id: "b", name: "nps", policy: "nps", variant: 0, xs: [0.1, 1], ys: [0.4, 0.1], expected: { xs: [0.1, 1], ys: [0.41, 0.11] } },
];
const series = (logScale: boolean, bound: ErrorLine["expected"] | null = null) =>
  (
    studyOption(lines, { xLabel: "", yLabel: "", logScale, bound }, theme) as {
      series: { id: string; data: [number, number | null][]; lineStyle: { type?: number[] } }[];
    }
  ).series;

describe("the study chart", () => {
  it("draws what was measured, and dashed the expectation where it is known", () => {
    expect(series(false).map((one) => one.id)).toEqual(["a:line", "b:line", "b:expected"]);
    expect(series(false).map((one) => Boolean(one.lineStyle.type))).toEqual([false, false, true]);
  });

  it("tells variants of one method apart by shape and dash, in one colour", () => {
    const [first, second] = [0, 1].map((variant) => ({ ...lines[0], id: `v${variant}`, variant }) as ErrorLine);
    const option = studyOption([first, second] as ErrorLine[], { xLabel: "", yLabel: "", logScale: false, bound: null }, theme);
    const [one, other] = (option as { series: { symbol: string; itemStyle: object; lineStyle: { type?: number[] } }[] }).series;
    expect(other?.itemStyle).toEqual(one?.itemStyle);
    expect(other?.symbol).not.toBe(one?.symbol);
    expect([one?.lineStyle.type, other?.lineStyle.type]).toEqual([undefined, [10, 4]]);
  });

  it("draws the bound once, dashed, behind", () => {
    const [bound] = series(false, { xs: [0.1, 1], ys: [0.5, 0.2] });
    expect(bound).toMatchObject({ id: "bound", data: [[0.1, 0.5], [1, 0.2]], lineStyle: { type: [8, 5] } });
  });

  it("leaves out of a logarithm what has no place in it", () => {
    expect(series(true)[0]?.data).toEqual([[0.1, 0.3], [1, null]]);
    expect(series(false)[0]?.data).toEqual([[0.1, 0.3], [1, 0]]);
  });

  it("says in words what it shows", () => {
    expect(studyLabel(lines, "Error")).toBe("Error: topk, nps");
  });
});
