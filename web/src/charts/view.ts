/* What a reader zoomed into stays in view when points are added: not the same part of more, but the same steps. */

import type { ECharts, EChartsCoreOption } from "echarts/core";

interface Drawn {
  dataZoom?: { start: number; end: number; startValue: number; endValue: number }[];
  xAxis?: { name?: string }[];
}

/** Give a chart another option, with the steps in view that were there; over another axis, the same part of it. */
export function setOptionInView(chart: ECharts, option: EChartsCoreOption): void {
  const { dataZoom, xAxis } = (chart.getOption() ?? {}) as Drawn;
  // Series are replaced whole.
  chart.setOption(option, { replaceMerge: ["series", "yAxis"] });
  const [zoom] = dataZoom ?? [];
  const isSameAxis = xAxis?.[0]?.name === (option.xAxis as { name?: string } | undefined)?.name;
  if (!zoom || !isSameAxis || (zoom.start <= 0 && zoom.end >= 100)) return;
  const { startValue, endValue } = zoom;
  chart.dispatchAction({ type: "dataZoom", startValue, endValue, escapeConnect: true });
}
