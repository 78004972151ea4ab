/* Error of approximate products against what is kept. Pure: lines in, option out. */

import type { EChartsCoreOption } from "echarts/core";

import type { Cell } from "../lib/csv";
import { metric as asMetric, percent } from "../lib/format";
import { SHAPES, variantLook } from "../lib/policies";
import type { LegendItem } from "./figure";
import type { Theme } from "./theme";

export interface ErrorLine {
  id: string;
  name: string;
  policy: string;
  /** Which of the picture's variants of its policy. */
  variant: number;
  xs: readonly number[];
  ys: readonly (number | null)[];
  /** The exact expectation at the same places, where it is known. */
  expected: { xs: readonly number[]; ys: readonly (number | null)[] };
}

export interface StudySettings {
  xLabel: string;
  yLabel: string;
  logScale: boolean;
  /** The bound of norm-proportional sampling, drawn once. */
  bound: { xs: readonly number[]; ys: readonly (number | null)[] } | null;
}

interface Item {
  seriesName: string;
  seriesId: string;
  marker: string;
  value: [number, number | null];
}

const BOUND = "bound";

export function studyOption(lines: readonly ErrorLine[], settings: StudySettings, theme: Theme): EChartsCoreOption {
  const text = { color: theme.ink3, fontSize: 12 };
  const named = { nameLocation: "middle", nameTextStyle: { color: theme.ink2, fontSize: 13 } };
  return {
    animation: false,
    textStyle: { fontFamily: theme.font },
    grid: { left: 70, right: 24, top: 16, bottom: 52 },
    tooltip: {
      trigger: "item",
      renderMode: "richText",
      confine: true,
      backgroundColor: theme.raised,
      borderColor: theme.lineStrong,
      textStyle: { color: theme.ink, fontSize: 12, lineHeight: 18 },
      formatter: ({ seriesName, value: [x, y] }: Item) =>
        [seriesName, `error ${asMetric(y)}`, `at ${percent(x)}`].join("\n"),
    },
    xAxis: {
      ...named,
      type: "value",
      name: settings.xLabel,
      nameGap: 32,
      min: 0,
      axisLine: { lineStyle: { color: theme.line } },
      axisTick: { show: false },
      splitLine: { lineStyle: { color: theme.line } },
      axisLabel: { ...text, hideOverlap: true, formatter: (x: number) => percent(x, 0) },
    },
    yAxis: {
      ...named,
      type: settings.logScale ? "log" : "value",
      name: settings.yLabel,
      nameGap: 50,
      axisLine: { show: false },
      axisTick: { show: false },
      splitLine: { lineStyle: { color: theme.line } },
      axisLabel: { ...text, hideOverlap: true, formatter: (y: number) => asMetric(y) },
    },
    series: [
      ...(settings.bound ? [boundSeries(settings.bound, settings.logScale, theme)] : []),
      ...lines.flatMap((line) => seriesOf(line, settings.logScale, theme)),
    ],
  };
}

type Points = [number, number | null][];

/** A logarithm has no place for zero: the exact product's error at full size is left out. */
function points(xs: readonly number[], ys: readonly (number | null)[], logScale: boolean): Points {
  return xs.map((x, i) => {
    const y = ys[i] ?? null;
    return [x, y !== null && logScale && y <= 0 ? null : y];
  });
}

function boundSeries(bound: NonNullable<StudySettings["bound"]>, logScale: boolean, theme: Theme): object {
  return {
    id: BOUND,
    name: "bound",
    type: "line",
    showSymbol: false,
    data: points(bound.xs, bound.ys, logScale),
    lineStyle: { color: theme.ink3, width: 1.5, type: [8, 5] },
    itemStyle: { color: theme.ink3 },
    endLabel: { show: true, formatter: "bound", color: theme.ink2, fontSize: 12, offset: [-40, -10] },
    z: 1,
  };
}

function seriesOf(line: ErrorLine, logScale: boolean, theme: Theme): object[] {
  const { colour, shape, dash } = variantLook(line.policy, line.variant);
  const paint = theme.colour(colour);
  const measured = {
    id: `${line.id}:line`,
    name: line.name,
    type: "line",
    data: points(line.xs, line.ys, logScale),
    symbol: `path://${SHAPES[shape]}`,
    symbolSize: 8,
    showAllSymbol: true,
    itemStyle: { color: paint },
    lineStyle: { color: paint, width: 1.75, ...(dash.length ? { type: dash } : {}) },
    emphasis: { focus: "series" },
    z: 3,
  };
  if (line.expected.xs.length === 0) return [measured];
  const expected = {
    id: `${line.id}:expected`,
    name: `${line.name}, expected`,
    type: "line",
    showSymbol: false,
    data: points(line.expected.xs, line.expected.ys, logScale),
    itemStyle: { color: paint },
    lineStyle: { color: paint, width: 2.5, type: [3, 4], opacity: 0.75 },
    z: 2,
  };
  return [measured, expected];
}

/** The legend of a figure that stands by itself. */
export function studyLegend(lines: readonly ErrorLine[], bound: StudySettings["bound"], theme: Theme): LegendItem[] {
  const items = lines.map((line): LegendItem => {
    const { colour, shape, dash } = variantLook(line.policy, line.variant);
    return { label: line.name, colour: theme.colour(colour), shape, dash };
  });
  if (lines.some((line) => line.expected.xs.length > 0)) {
    items.push({ label: "dotted: expected, exactly", colour: theme.ink3, dash: [3, 4] });
  }
  if (bound) items.push({ label: "bound of norm-proportional sampling", colour: theme.ink3, dash: [8, 5] });
  return items;
}

/** The numbers behind the picture: a row for each point of each line. */
export function studyData(lines: readonly ErrorLine[], bound: StudySettings["bound"]): { head: string[]; rows: Cell[][] } {
  const rowsOf = (name: string, what: string, { xs, ys }: { xs: readonly number[]; ys: readonly (number | null)[] }) =>
    xs.map((x, i): Cell[] => [name, what, x, ys[i] ?? null]);
  const rows = lines.flatMap((line) => [
    ...rowsOf(line.name, "measured", line),
    ...rowsOf(line.name, "expected", line.expected),
  ]);
  return { head: ["method", "kind", "x", "error"], rows: [...rows, ...(bound ? rowsOf("bound", "bound", bound) : [])] };
}

/** What the picture shows, in a sentence. */
export function studyLabel(lines: readonly ErrorLine[], what: string): string {
  return `${what}: ${lines.map((line) => line.name).join(", ")}`;
}
