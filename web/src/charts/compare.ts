/* Accuracy against what was saved: the picture that Colrow exists for. Pure: groups in, option out. */

import type { EChartsCoreOption } from "echarts/core";

import type { Group } from "../api/client";
import { percent, plain, points, several, spread, times } from "../lib/format";
import { SHAPES, inOrder, look } from "../lib/policies";
import type { Theme } from "./theme";

export interface CompareSettings {
  xLabel: string;
  yLabel: string;
  /** Tolerance in points (hundredths of accuracy). */
  within: number;
  /** Show only what is near the baseline. */
  isNear: boolean;
}

interface Mark {
  id: string;
  name: string;
  value: [number, number];
  group: Group;
}

const DOMINATED = 0.4;
/** How far below the baseline is still near, as a share. */
const NEAR = 0.12;
/** Where the lowest group is farther below than this, the near view says more to begin with. */
const FAR = 0.25;

/** Points of the Pareto front, from left to right. */
export function front(groups: readonly Group[]): [number, number][] {
  return groups
    .filter((group) => group.is_pareto && group.x.mean !== null && group.y.mean !== null)
    .map((group): [number, number] => [group.x.mean ?? 0, group.y.mean ?? 0])
    .sort((a, b) => a[0] - b[0] || b[1] - a[1]);
}

/** Groups of one policy in the order in which its points are joined: by what they save. */
export function joined(groups: readonly Group[], policy: string): Group[] {
  return groups
    .filter((group) => group.policy === policy && group.x.mean !== null && group.y.mean !== null)
    .sort((a, b) => (b.ratio ?? 0) - (a.ratio ?? 0) || (a.x.mean ?? 0) - (b.x.mean ?? 0));
}

/** The range that shows every point with its bar, and the tolerance below the baseline. */
export function extent(groups: readonly Group[], within: number): [number, number] | null {
  const ys: number[] = [];
  for (const group of groups) {
    if (group.y.mean === null) continue;
    const std = group.y.std ?? 0;
    ys.push(group.y.mean - std, group.y.mean + std);
    if (group.is_baseline) ys.push(group.y.mean - within / 100);
  }
  if (ys.length === 0) return null;
  const low = Math.min(...ys);
  const high = Math.max(...ys);
  const margin = Math.max((high - low) * 0.08, 0.0005);
  return [low - margin, high + margin];
}

/** Groups too far below the baseline for the near view. */
export function belowNear(groups: readonly Group[]): Group[] {
  const floor = groups.find((group) => group.is_baseline)?.y.mean;
  if (floor === null || floor === undefined) return [];
  return groups.filter((group) => group.y.mean !== null && group.y.mean < floor - NEAR);
}

/** Whether one group lies so low that all others would be squeezed together. */
export function isStretched(groups: readonly Group[]): boolean {
  const base = groups.find((group) => group.is_baseline)?.y.mean ?? 0;
  const low = Math.min(...belowNear(groups).map((group) => group.y.mean ?? 0), base);
  const near = groups.filter((group) => !group.is_baseline && group.y.mean !== null).length - belowNear(groups).length;
  return near > 0 && base - low > FAR;
}

export function compareOption(groups: readonly Group[], settings: CompareSettings, theme: Theme): EChartsCoreOption {
  const baseline = groups.find((group) => group.is_baseline);
  const far = new Set(settings.isNear ? belowNear(groups) : []);
  const range = extent(
    groups.filter((group) => !far.has(group)),
    settings.within,
  );
  const xs = groups.flatMap((group) => (group.x.mean === null ? [] : [group.x.mean]));
  const axisText = { color: theme.ink3, fontSize: 12 };
  const axis = {
    type: "value",
    scale: true,
    nameLocation: "middle",
    nameTextStyle: { color: theme.ink2, fontSize: 13 },
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: theme.line, width: 1 } },
  };
  return {
    animation: false,
    textStyle: { fontFamily: theme.font },
    grid: { left: 70, right: 28, top: 20, bottom: 54, containLabel: false },
    tooltip: {
      trigger: "item",
      renderMode: "richText",
      backgroundColor: theme.raised,
      borderColor: theme.line,
      textStyle: { color: theme.ink, fontSize: 12, lineHeight: 18 },
      formatter: (item: { data?: Partial<Mark> }) => (item.data?.group ? told(item.data.group) : ""),
    },
    xAxis: {
      ...axis,
      name: settings.xLabel,
      nameGap: 34,
      min: Math.min(0, ...xs),
      boundaryGap: [0, "8%"],
      axisLabel: { ...axisText, formatter: (value: number) => percent(value, 0) },
    },
    yAxis: {
      ...axis,
      name: settings.yLabel,
      nameGap: 50,
      ...(range ? { min: range[0], max: range[1] } : {}),
      axisLabel: {
        ...axisText,
        showMinLabel: false,
        showMaxLabel: false,
        formatter: (value: number) => percent(value, range && range[1] - range[0] < 0.03 ? 1 : 0),
      },
    },
    series: [
      ...(baseline ? [baselineSeries(baseline, settings.within, theme)] : []),
      frontSeries(groups, theme),
      ...inOrder(groups.map((group) => group.policy)).flatMap((policy) => policySeries(groups, policy, theme)),
    ],
  };
}

function baselineSeries(baseline: Group, within: number, theme: Theme): object {
  const y = baseline.y.mean ?? 0;
  const std = baseline.y.std ?? 0;
  return {
    type: "line",
    name: "baseline",
    data: [],
    silent: true,
    markLine: {
      symbol: "none",
      // By itself a mark line is rounded to hundredths: whole points of accuracy.
      precision: 12,
      label: {
        formatter: `exact ${spread(baseline.y)}`,
        position: "insideStartTop",
        distance: [12, 6],
        color: theme.ink2,
        fontSize: 12,
        textBorderColor: theme.surface,
        textBorderWidth: 3,
      },
      lineStyle: { color: theme.colour("--policy-exact"), type: "solid", width: 1.5 },
      data: [{ yAxis: y }],
    },
    markArea: {
      data: [
        [{ yAxis: y - within / 100, itemStyle: { color: theme.band, opacity: 0.1 } }, { yAxis: y }],
        [{ yAxis: y - std, itemStyle: { color: theme.colour("--policy-exact"), opacity: 0.14 } }, { yAxis: y + std }],
      ],
    },
  };
}

function frontSeries(groups: readonly Group[], theme: Theme): object {
  return {
    type: "line",
    name: "Pareto front",
    step: "start",
    silent: true,
    showSymbol: false,
    data: front(groups),
    lineStyle: { color: theme.ink3, width: 1.5, type: [3, 4] },
    z: 1,
  };
}

function policySeries(groups: readonly Group[], policy: string, theme: Theme): object[] {
  const members = joined(groups, policy);
  const { colour, shape, dash } = look(policy);
  const paint = theme.colour(colour);
  // The names of the rightmost groups stand at their left, inside the picture.
  const right = Math.max(0, ...groups.map((group) => group.x.mean ?? 0));
  const side = (group: Group) => ((group.x.mean ?? 0) > 0.75 * right ? "left" : "right");
  const data = members.map((group) => ({
    id: group.key,
    name: group.label,
    value: [group.x.mean ?? 0, group.y.mean ?? 0] as [number, number],
    group,
    itemStyle: { opacity: group.is_pareto || group.is_baseline ? 1 : DOMINATED },
    label: { show: group.is_pareto && !group.is_baseline, formatter: group.label, position: side(group) },
  }));
  return [
    {
      type: "custom",
      name: `${policy}, spread`,
      silent: true,
      data: members.map((group) => [group.x.mean, group.y.mean, group.x.std ?? 0, group.y.std ?? 0]),
      renderItem: errorBars(paint),
      clip: true,
      z: 2,
    },
    {
      type: "line",
      name: policy,
      data,
      symbol: `path://${SHAPES[shape]}`,
      symbolSize: 13,
      label: {
        position: "right",
        distance: 9,
        color: theme.ink,
        fontSize: 12,
        fontWeight: 500,
        textBorderColor: theme.surface,
        textBorderWidth: 3,
      },
      labelLayout: { hideOverlap: true },
      itemStyle: { color: paint, borderColor: theme.surface, borderWidth: 1.5 },
      lineStyle: { color: paint, width: 1.5, type: dash.length ? dash : "solid", opacity: 0.55 },
      emphasis: { scale: 1.35 },
      z: 3,
    },
  ];
}

interface Drawing {
  value: (dimension: number) => number;
  coord: (point: [number, number]) => [number, number];
}

function errorBars(paint: string) {
  return (_params: unknown, api: Drawing) => {
    const [x, y, sx, sy] = [api.value(0), api.value(1), api.value(2), api.value(3)];
    const [left, right] = [api.coord([x - sx, y]), api.coord([x + sx, y])];
    const [low, high] = [api.coord([x, y - sy]), api.coord([x, y + sy])];
    const style = { stroke: paint, lineWidth: 1.25, opacity: 0.75 };
    const line = (a: [number, number], b: [number, number]) => ({
      type: "line",
      shape: { x1: a[0], y1: a[1], x2: b[0], y2: b[1] },
      style,
    });
    const cap = (at: [number, number], dx: number, dy: number) =>
      line([at[0] - dx, at[1] - dy], [at[0] + dx, at[1] + dy]);
    const upright = sy > 0 ? [line(low, high), cap(low, 4, 0), cap(high, 4, 0)] : [];
    const level = right[0] - left[0] > 2 ? [line(left, right), cap(left, 0, 4), cap(right, 0, 4)] : [];
    return { type: "group", children: [...upright, ...level] };
  };
}

function told(group: Group): string {
  const lines = [
    group.label,
    `accuracy ${spread(group.y)}`,
    ...(group.delta_y ? [`${points(group.delta_y.mean)} points against exact`] : []),
    `saves ${percent(group.x.mean)}`,
    ...(group.seconds_ratio === null ? [] : [`${times(group.seconds_ratio)} the time of exact`]),
    several(group.n, "job"),
  ];
  return lines.join("\n");
}

/** What the picture shows, in a sentence. */
export function compareLabel(groups: readonly Group[]): string {
  const shown = groups.filter((group) => group.y.mean !== null);
  const parts = shown.map(
    (group) => `${group.label}: ${plain((group.y.mean ?? 0) * 100)} % accuracy at ${percent(group.x.mean, 0)} saved`,
  );
  return `Accuracy against what is saved, ${several(shown.length, "group")}. ${parts.join("; ")}`;
}
