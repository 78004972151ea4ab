/* One metric of several jobs over steps, epochs or seconds. Pure: lines in, option out. */

import type { EChartsCoreOption } from "echarts/core";

import { smooth } from "../lib/bands";
import { count, duration, metric as asMetric, percent } from "../lib/format";
import { look } from "../lib/policies";
import type { Theme } from "./theme";

export interface CurveLine {
  id: string;
  name: string;
  policy: string;
  xs: readonly number[];
  ys: readonly (number | null)[];
}

export type Axis = "step" | "epoch" | "seconds";

export interface CurveSettings {
  axis: Axis;
  /** 0 to below 1; above 0 the raw line stays, faint, behind. */
  smoothing: number;
  isShare: boolean;
  logScale: boolean;
}

const AXES: Record<Axis, string> = { step: "step", epoch: "epoch", seconds: "training time" };

export function curvesOption(lines: readonly CurveLine[], settings: CurveSettings, theme: Theme): EChartsCoreOption {
  const text = { color: theme.ink3, fontSize: 11 };
  const value = (y: number) => (settings.isShare ? percent(y, 2) : asMetric(y));
  const where = (x: number) => (settings.axis === "seconds" ? duration(x) : count(x));
  return {
    animation: false,
    textStyle: { fontFamily: theme.font },
    grid: { left: 58, right: 16, top: 12, bottom: 40 },
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      confine: true,
      backgroundColor: theme.raised,
      borderColor: theme.line,
      textStyle: { color: theme.ink, fontSize: 12, lineHeight: 17 },
      order: "valueDesc",
      formatter: (items: { seriesName: string; seriesId: string; value: [number, number | null] }[]) => {
        const told = items.filter((item) => item.seriesId.endsWith(":line") && item.value[1] !== null).slice(0, 12);
        const rows = told.map((item) => `${value(item.value[1] ?? 0)}   ${item.seriesName}`);
        return [`${AXES[settings.axis]} ${where(items[0]?.value[0] ?? 0)}`, ...rows].join("\n");
      },
    },
    dataZoom: [{ type: "inside", filterMode: "none" }],
    xAxis: {
      type: "value",
      min: "dataMin",
      max: "dataMax",
      name: AXES[settings.axis],
      nameLocation: "middle",
      nameGap: 25,
      nameTextStyle: text,
      axisLine: { lineStyle: { color: theme.line } },
      axisTick: { show: false },
      splitLine: { show: false },
      axisLabel: { ...text, hideOverlap: true, showMaxLabel: false, formatter: (x: number) => where(x) },
    },
    yAxis: {
      type: settings.logScale ? "log" : "value",
      scale: true,
      axisLine: { show: false },
      axisTick: { show: false },
      splitLine: { lineStyle: { color: theme.line } },
      axisLabel: { ...text, formatter: (y: number) => (settings.isShare ? percent(y, 0) : asMetric(y)) },
    },
    series: lines.flatMap((line) => seriesOf(line, settings, theme)),
  };
}

function seriesOf(line: CurveLine, settings: CurveSettings, theme: Theme): object[] {
  const { colour, dash } = look(line.policy);
  const paint = theme.colour(colour);
  const type = dash.length ? dash : "solid";
  const data = (ys: readonly (number | null)[]) => line.xs.map((x, i) => [x, ys[i] ?? null]);
  const shown = {
    id: `${line.id}:line`,
    name: line.name,
    type: "line",
    showSymbol: line.xs.length < 2,
    symbolSize: 6,
    data: data(smooth(line.ys, settings.smoothing)),
    itemStyle: { color: paint },
    lineStyle: { color: paint, width: 1.75, type },
    emphasis: { focus: "series" },
  };
  if (settings.smoothing <= 0) return [shown];
  const raw = { color: paint, width: 1, opacity: 0.22, type: "solid" };
  return [
    { ...shown, id: `${line.id}:raw`, data: data(line.ys), lineStyle: raw, silent: true, showSymbol: false },
    shown,
  ];
}

/** Put a curve on another axis: epochs by counting steps, seconds by the job's own `seconds` curve. */
export function along(
  steps: readonly number[],
  axis: Axis,
  job: { stepsPerEpoch: number | null; seconds: { steps: readonly number[]; values: readonly (number | null)[] } | null },
): number[] {
  if (axis === "epoch") return steps.map((step) => step / (job.stepsPerEpoch ?? 1));
  if (axis === "step" || !job.seconds) return [...steps];
  const { steps: at, values } = job.seconds;
  let place = 0;
  return steps.map((step) => {
    while (place + 1 < at.length && (at[place + 1] ?? Infinity) <= step) place += 1;
    const [x0, x1] = [at[place] ?? 0, at[place + 1]];
    const [y0, y1] = [values[place] ?? 0, values[place + 1] ?? null];
    if (step < x0) return x0 > 0 ? (y0 * step) / x0 : y0;
    if (x1 === undefined || y1 === null || x1 === x0) return y0;
    return y0 + ((y1 - y0) * (step - x0)) / (x1 - x0);
  });
}
