/* What a job reached against what it saved: the picture that Colrow exists for. Pure: groups in, option out. */

import type { EChartsCoreOption } from "echarts/core";

import type { Group } from "../api/client";
import type { Cell } from "../lib/csv";
import { metric as asMetric, percent, several } from "../lib/format";
import { differenceIn, gain, measured, spreadIn } from "../lib/measures";
import type { Measure } from "../lib/measures";
import { SHAPES, inOrder, look } from "../lib/policies";
import { timeInWords } from "../lib/timing";
import type { LegendItem } from "./figure";
import type { Theme } from "./theme";

/** What the bars say: how sure the difference to exact is (95 %), or how far the seeds spread. */
export type Bars = "interval" | "spread";

export interface CompareSettings {
  xLabel: string;
  yLabel: string;
  measure: Measure;
  /** What may be lost, in the metric's own unit. */
  margin: number;
  /** Show only what is near the baseline. */
  isNear: boolean;
  bars: Bars;
  /** Whether the picture is as narrow as a phone: fewer words in it. */
  isNarrow: boolean;
}

interface Mark {
  id: string;
  name: string;
  value: [number, number];
  group: Group;
}

const DOMINATED = 0.4;
/** How far from the baseline is still near, and from where on the near view says more to begin with: of a share, or
    as a part of the baseline. */
const NEAR = { share: 0.12, part: 0.3 };
const FAR = { share: 0.15, part: 0.6 };
/** Where the names of the policies stand, at the right of the points. */
const NAMES_PX = 84;

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

/** The ends of a group's bar, or null where there is none to draw. */
export function barOf(group: Group, bars: Bars): [number, number] | null {
  const { mean, std } = group.y;
  if (mean === null) return null;
  if (bars === "spread") return std === null ? null : [mean - std, mean + std];
  const found = group.evidence;
  if (!found || found.low === null || found.high === null) return null;
  return [mean + found.low - found.mean, mean + found.high - found.mean];
}

/** The range that shows every point with its bar, and the margin beside the baseline. */
export function extent(
  groups: readonly Group[],
  { measure, margin, bars }: Pick<CompareSettings, "measure" | "margin" | "bars">,
): [number, number] | null {
  const ys: number[] = [];
  for (const group of groups) {
    if (group.y.mean === null) continue;
    ys.push(group.y.mean, ...(barOf(group, bars) ?? []));
    if (group.is_baseline) ys.push(group.y.mean + allowed(measure, margin));
  }
  if (ys.length === 0) return null;
  const low = Math.min(...ys);
  const high = Math.max(...ys);
  const room = Math.max((high - low) * 0.08, measure.isShare ? 0.0005 : Math.abs(high) * 1e-4);
  return [low - room, high + room];
}

/** The difference to the baseline at which the margin ends. */
function allowed(measure: Measure, margin: number): number {
  return measure.better === "lower" ? margin : -margin;
}

/** Groups too far on the worse side of the baseline for the near view. */
export function farOff(groups: readonly Group[], measure: Measure): Group[] {
  return beyond(groups, measure, NEAR);
}

function beyond(groups: readonly Group[], measure: Measure, limit: typeof NEAR): Group[] {
  const base = groups.find((group) => group.is_baseline)?.y.mean;
  if (base === null || base === undefined) return [];
  const most = measure.isShare ? limit.share : limit.part * Math.abs(base);
  return groups.filter((group) => group.y.mean !== null && -gain(measure, group.y.mean - base) > most);
}

/** Whether one group lies so far off that all others would be squeezed together. */
export function isStretched(groups: readonly Group[], measure: Measure): boolean {
  const others = groups.filter((group) => !group.is_baseline && group.y.mean !== null);
  return others.length > farOff(groups, measure).length && beyond(groups, measure, FAR).length > 0;
}

/** How many digits of per cent tell the marks of an axis apart. */
function digitsOf(range: [number, number] | null): number {
  const span = range ? range[1] - range[0] : 1;
  return span < 0.005 ? 2 : span < 0.04 ? 1 : 0;
}

/** Whether a share is a multiple of 10 %. */
const isRound = (share: number) => Math.abs(share * 10 - Math.round(share * 10)) < 0.01;

export function compareOption(groups: readonly Group[], settings: CompareSettings, theme: Theme): EChartsCoreOption {
  const baseline = groups.find((group) => group.is_baseline);
  const { measure } = settings;
  const far = new Set(settings.isNear ? farOff(groups, measure) : []);
  const range = extent(
    groups.filter((group) => !far.has(group)),
    settings,
  );
  const digits = digitsOf(range);
  const xs = groups.flatMap((group) => (group.x.mean === null ? [] : [group.x.mean]));
  const min = Math.min(0, ...xs.map((x) => 1.04 * x));
  const max = Math.max(0.05, ...xs);
  const axisText = { color: theme.ink3, fontSize: 12 };
  const { isNarrow } = settings;
  const axis = {
    type: "value",
    scale: true,
    nameLocation: "middle",
    nameTextStyle: { color: theme.ink2, fontSize: 13 },
    // Where time was lost, zero is not at the left: the axes stay there.
    axisLine: { show: false, onZero: false },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: theme.line, width: 1 } },
  };
  return {
    animation: false,
    textStyle: { fontFamily: theme.font },
    grid: { left: isNarrow ? 46 : 70, right: NAMES_PX, top: isNarrow ? 34 : 20, bottom: 54, containLabel: false },
    tooltip: {
      trigger: "item",
      renderMode: "richText",
      backgroundColor: theme.raised,
      borderColor: theme.line,
      textStyle: { color: theme.ink, fontSize: 12, lineHeight: 18 },
      formatter: (item: { data?: Partial<Mark> }) => (item.data?.group ? told(item.data.group, measure) : ""),
    },
    xAxis: {
      ...axis,
      name: settings.xLabel,
      nameGap: 34,
      min,
      // Up to the last point: what lies beyond it is for the names.
      max,
      splitNumber: isNarrow ? 4 : 6,
      // The ends are where points are, which need not be where a mark would be.
      axisLabel: {
        ...axisText,
        hideOverlap: true,
        formatter: (value: number) => ((value === min || value === max) && !isRound(value) ? "" : percent(value, 0)),
      },
    },
    yAxis: {
      ...axis,
      name: settings.yLabel,
      ...(isNarrow ? { nameLocation: "end", nameGap: 12, nameTextStyle: { ...axis.nameTextStyle, align: "left" } } : { nameGap: 50 }),
      ...(range ? { min: range[0], max: range[1] } : {}),
      axisLabel: {
        ...axisText,
        showMinLabel: false,
        showMaxLabel: false,
        formatter: (value: number) => (measure.isShare ? percent(value, digits) : asMetric(value)),
      },
    },
    series: [
      ...(baseline ? [baselineSeries(baseline, settings, theme)] : []),
      frontSeries(groups, theme),
      ...inOrder(groups.map((group) => group.policy)).flatMap((policy) =>
        policySeries(groups, policy, { ...settings, range }, theme),
      ),
    ],
  };
}

function baselineSeries(baseline: Group, { measure, margin, bars, isNarrow }: CompareSettings, theme: Theme): object {
  const y = baseline.y.mean ?? 0;
  // The interval of a difference has the baseline's own spread in it already.
  const std = bars === "spread" ? (baseline.y.std ?? 0) : 0;
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
        formatter: `exact ${isNarrow ? measured(measure, y) : spreadIn(measure, baseline.y)}`,
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
        [{ yAxis: y + allowed(measure, margin), itemStyle: { color: theme.band, opacity: 0.1 } }, { yAxis: y }],
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
    lineStyle: { color: theme.ink3, width: 1 },
    z: 1,
  };
}

function policySeries(
  groups: readonly Group[],
  policy: string,
  { bars, range }: CompareSettings & { range: [number, number] | null },
  theme: Theme,
): object[] {
  const members = joined(groups, policy);
  const { colour, shape, dash } = look(policy);
  const paint = theme.colour(colour);
  // A policy is named once, at the last of its points in sight.
  const [low, high] = range ?? [-Infinity, Infinity];
  const isInSight = ({ y }: Group) => y.mean !== null && y.mean >= low && y.mean <= high;
  const named = members.findLast((group) => isInSight(group) && !group.is_baseline);
  const data = members.map((group) => ({
    id: group.key,
    name: group.label,
    value: [group.x.mean ?? 0, group.y.mean ?? 0] as [number, number],
    group,
    itemStyle: { opacity: group.is_pareto || group.is_baseline ? 1 : DOMINATED },
    label: { show: group === named, formatter: policy },
  }));
  return [
    {
      type: "custom",
      name: `${policy}, spread`,
      silent: true,
      data: members.map((group) => [group.x.mean, group.y.mean, group.x.std ?? 0, ...(barOf(group, bars) ?? [NaN, NaN])]),
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
        distance: 7,
        color: paint,
        fontSize: 13,
        fontWeight: 600,
        opacity: 1,
        width: NAMES_PX - 12,
        overflow: "truncate",
        textBorderColor: theme.surface,
        textBorderWidth: 3,
      },
      labelLayout: { moveOverlap: "shiftY" },
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
    const [x, y, sx] = [api.value(0), api.value(1), api.value(2)];
    // Where there is no bar its ends are no numbers, and nothing is drawn.
    const [from, to] = [api.value(3), api.value(4)];
    const [left, right] = [api.coord([x - sx, y]), api.coord([x + sx, y])];
    const [low, high] = [api.coord([x, from]), api.coord([x, to])];
    const style = { stroke: paint, lineWidth: 1.25, opacity: 0.75 };
    const line = (a: [number, number], b: [number, number]) => ({
      type: "line",
      shape: { x1: a[0], y1: a[1], x2: b[0], y2: b[1] },
      style,
    });
    const cap = (at: [number, number], dx: number, dy: number) =>
      line([at[0] - dx, at[1] - dy], [at[0] + dx, at[1] + dy]);
    const upright = to > from ? [line(low, high), cap(low, 4, 0), cap(high, 4, 0)] : [];
    const level = right[0] - left[0] > 2 ? [line(left, right), cap(left, 0, 4), cap(right, 0, 4)] : [];
    return { type: "group", children: [...upright, ...level] };
  };
}

function told(group: Group, measure: Measure): string {
  const found = group.evidence;
  const unit = measure.isShare ? " points" : "";
  const ends = found && found.low !== null && found.high !== null ? [found.low, found.high] : null;
  const lines = [
    group.label,
    `${measure.noun} ${spreadIn(measure, group.y)}`,
    ...(group.delta_y ? [`${differenceIn(measure, group.delta_y.mean)}${unit} against exact`] : []),
    ...(ends ? [`95 % interval ${ends.map((end) => differenceIn(measure, end)).join(" to ")}`] : []),
    `saves ${percent(group.x.mean)}`,
    ...[timeInWords(group)].filter(Boolean),
    several(group.n, "job"),
  ];
  return lines.join("\n");
}

/** The legend of a figure that stands by itself. */
export function compareLegend(groups: readonly Group[], margin: string, theme: Theme): LegendItem[] {
  const policies = inOrder(groups.map((group) => group.policy)).map((policy): LegendItem => {
    const { colour, shape, dash } = look(policy);
    return { label: policy, colour: theme.colour(colour), shape, dash };
  });
  const front: LegendItem = { label: "Pareto front", colour: theme.ink3, dash: [] };
  return [...policies, front, { label: `shaded: within ${margin} of exact`, colour: theme.band, shape: "square", opacity: 0.25 }];
}

const mean = (value: { mean: number | null } | null) => value?.mean ?? null;
const spread = (value: { std: number | null } | null) => value?.std ?? null;

/** The numbers behind the picture, in the metrics' own units. */
export function compareData(groups: readonly Group[], x: string, y: string): { head: string[]; rows: Cell[][] } {
  const head = ["group", "policy", "model", "dataset", "ratio", "jobs", x, `${x}_std`, y, `${y}_std`];
  head.push("difference_to_exact", "difference_low_95", "difference_high_95", "seconds_ratio", "time_caveat");
  head.push("is_baseline", "is_pareto");
  const rows = groups.map((group): Cell[] => [
    ...[group.label, group.policy, group.model, group.dataset, group.ratio, group.n],
    ...[mean(group.x), spread(group.x), mean(group.y), spread(group.y)],
    ...[mean(group.delta_y), group.evidence?.low, group.evidence?.high, group.seconds_ratio, group.time_caveat],
    ...[group.is_baseline, group.is_pareto],
  ]);
  return { head, rows };
}

/** What the picture shows, in a sentence. */
export function compareLabel(groups: readonly Group[], measure: Measure): string {
  const shown = groups.filter((group) => group.y.mean !== null);
  const parts = shown.map(
    (group) =>
      `${group.label}: ${measured(measure, group.y.mean)} ${measure.noun} at ${percent(group.x.mean, 0)} saved`,
  );
  const noun = measure.noun.replace(/^./, (first) => first.toUpperCase());
  return `${noun} against what is saved, ${several(shown.length, "group")}. ${parts.join("; ")}`;
}
