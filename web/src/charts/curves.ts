/* One metric of several lines over steps, epochs or seconds. Pure: lines in, option out. */

import type { EChartsCoreOption } from "echarts/core";

import { smooth } from "../lib/bands";
import { count, duration, metric as asMetric, percent, share } from "../lib/format";
import { look } from "../lib/policies";
import type { LegendItem } from "./figure";
import type { Theme } from "./theme";

export interface CurveLine {
  id: string;
  name: string;
  policy: string;
  /** 1 for the full colour; less where fewer pairs are kept. */
  strength: number;
  xs: readonly number[];
  ys: readonly (number | null)[];
  /** Spread over seeds at each x, where the line is a mean. */
  std?: readonly number[];
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
const MOST_TOLD = 14;
/** So few steps leave room for the last one's label. */
const FEW_STEPS = 8;

interface Item {
  seriesName: string;
  seriesId: string;
  value: [number, number | null];
}

export function curvesOption(lines: readonly CurveLine[], settings: CurveSettings, theme: Theme): EChartsCoreOption {
  const text = { color: theme.ink3, fontSize: 11 };
  const value = (y: number) => (settings.isShare ? percent(y, 2) : asMetric(y));
  const where = (x: number) =>
    settings.axis === "seconds" ? duration(x) : settings.axis === "epoch" ? String(Number(x.toFixed(2))) : count(x);
  return {
    animation: false,
    textStyle: { fontFamily: theme.font },
    grid: { left: 52, right: 14, top: 10, bottom: 38 },
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      confine: true,
      backgroundColor: theme.raised,
      borderColor: theme.lineStrong,
      padding: [8, 10],
      textStyle: { color: theme.ink, fontSize: 12, lineHeight: 17 },
      axisPointer: { lineStyle: { color: theme.ink3 } },
      formatter: (items: Item[]) => {
        const told = items
          .filter((item) => item.seriesId.endsWith(":line") && item.value[1] !== null)
          .sort((a, b) => (b.value[1] ?? 0) - (a.value[1] ?? 0));
        const rows = told.slice(0, MOST_TOLD).map((item) => `${value(item.value[1] ?? 0)}   ${item.seriesName}`);
        if (told.length > MOST_TOLD) rows.push(`and ${told.length - MOST_TOLD} more`);
        return [`${AXES[settings.axis]} ${where(items[0]?.value[0] ?? 0)}`, ...rows].join("\n");
      },
    },
    dataZoom: [{ type: "inside", filterMode: "none", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false }],
    xAxis: {
      type: "value",
      min: "dataMin",
      max: "dataMax",
      // Steps are whole, and each is named once.
      minInterval: settings.axis === "step" ? 1 : 0,
      name: AXES[settings.axis],
      nameLocation: "middle",
      nameGap: 24,
      nameTextStyle: text,
      axisLine: { lineStyle: { color: theme.line } },
      axisTick: { show: false },
      splitLine: { show: false },
      axisLabel: { ...text, hideOverlap: true, showMaxLabel: settings.axis === "step" && span(lines) <= FEW_STEPS, formatter: where },
    },
    yAxis: {
      type: settings.logScale ? "log" : "value",
      scale: true,
      axisLine: { show: false },
      axisTick: { show: false },
      splitLine: { lineStyle: { color: theme.line } },
      axisLabel: {
        ...text,
        hideOverlap: true,
        formatter: (y: number) => (settings.isShare ? share(y) : asMetric(y)),
      },
    },
    series: lines.flatMap((line) => seriesOf(line, settings, theme)),
  };
}

/** From the first step to the last. */
function span(lines: readonly CurveLine[]): number {
  const xs = lines.flatMap((line) => [line.xs[0] ?? 0, line.xs.at(-1) ?? 0]);
  return Math.max(0, ...xs) - Math.min(...xs, Infinity);
}

function seriesOf(line: CurveLine, settings: CurveSettings, theme: Theme): object[] {
  const { colour, dash } = look(line.policy);
  const paint = theme.colour(colour);
  // A logarithm has no place for zero and below.
  const drawable = (y: number | null) => (y === null || (settings.logScale && y <= 0) ? null : y);
  const data = (ys: readonly (number | null)[]) => line.xs.map((x, i) => [x, drawable(ys[i] ?? null)]);
  const smoothed = smooth(line.ys, settings.smoothing);
  const shown = {
    id: `${line.id}:line`,
    name: line.name,
    type: "line",
    showSymbol: line.xs.length < 2,
    symbolSize: 6,
    data: data(smoothed),
    itemStyle: { color: paint },
    lineStyle: { color: paint, width: 1.75, type: dash.length ? dash : "solid", opacity: line.strength },
    emphasis: { focus: "series", lineStyle: { width: 3, opacity: 1 } },
    blur: { lineStyle: { opacity: 0.12 } },
    z: 3,
  };
  const behind = {
    type: "line",
    silent: true,
    showSymbol: false,
    emphasis: { disabled: true },
    itemStyle: { color: paint },
    z: 2,
  };
  const { std } = line;
  if (std?.some((one) => one > 0)) {
    const edges = line.xs.flatMap((x, i): Edge[] => {
      const y = smoothed[i] ?? null;
      const low = y === null ? null : drawable(y - (std[i] ?? 0));
      return y === null || low === null ? [] : [[x, low, y + (std[i] ?? 0)]];
    });
    const band = { id: `${line.id}:band`, type: "custom", clip: true, data: edges, encode: { x: 0, y: [1, 2] } };
    return [{ ...behind, ...band, tooltip: { show: false }, renderItem: ribbon(edges, paint) }, shown];
  }
  if (settings.smoothing <= 0) return [shown];
  const raw = { color: paint, width: 1, opacity: 0.22, type: "solid" };
  return [{ ...behind, id: `${line.id}:raw`, name: line.name, data: data(line.ys), lineStyle: raw }, shown];
}

/** The legend of a figure that stands by itself. */
export function curvesLegend(lines: readonly CurveLine[], theme: Theme): LegendItem[] {
  return lines.map(({ name, policy, strength }) => {
    const { colour, dash } = look(policy);
    return { label: name, colour: theme.colour(colour), dash, opacity: strength };
  });
}

type Edge = [x: number, low: number, high: number];

/** Draw the whole ribbon as one shape, with the first of its points. */
function ribbon(edges: readonly Edge[], paint: string) {
  return (params: { dataIndex: number }, api: { coord: (point: [number, number]) => [number, number] }) => {
    if (params.dataIndex !== 0) return undefined;
    const upper = edges.map(([x, , high]) => api.coord([x, high]));
    const lower = edges.map(([x, low]) => api.coord([x, low])).reverse();
    return {
      type: "polygon",
      shape: { points: [...upper, ...lower] },
      style: { fill: paint, opacity: 0.13 },
      silent: true,
    };
  };
}

interface Clock {
  stepsPerEpoch: number | null;
  seconds: { steps: readonly number[]; values: readonly (number | null)[] } | null;
}

/** Put a curve on another axis: epochs by counting steps, seconds by the job's own `seconds` curve. Null
    where the job does not tell. */
export function along(steps: readonly number[], axis: Axis, job: Clock): number[] | null {
  if (axis === "step") return [...steps];
  if (axis === "epoch") {
    const per = job.stepsPerEpoch;
    return per ? steps.map((step) => step / per) : null;
  }
  if (!job.seconds?.steps.length) return null;
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
