/* Mounts an ECharts option. Charts themselves are pure functions that make such options. */

import { CustomChart, LineChart } from "echarts/charts";
import {
  DataZoomInsideComponent,
  GridComponent,
  MarkAreaComponent,
  MarkLineComponent,
  TooltipComponent,
} from "echarts/components";
import { connect, init, use as register } from "echarts/core";
import type { ECharts, EChartsCoreOption } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";

import { setOptionInView } from "./view";

register([
  CanvasRenderer,
  CustomChart,
  DataZoomInsideComponent,
  GridComponent,
  LineChart,
  MarkAreaComponent,
  MarkLineComponent,
  TooltipComponent,
]);

interface Props {
  option: EChartsCoreOption;
  /** What the picture shows, for those who can't see it; a table says the same in numbers. */
  label: string;
  className?: string;
  /** Called with the id of what was clicked, where the chart gave it one. */
  onPick?: (id: string) => void;
  /** Charts of one group share crosshair and zoom. */
  group?: string;
}

export function Chart({ option, label, className, onPick, group }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<ECharts | null>(null);
  const pick = useRef(onPick);

  useEffect(() => {
    pick.current = onPick;
  }, [onPick]);

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const made = init(element, null, { renderer: "canvas" });
    chart.current = made;
    made.on("click", (event) => {
      const id = (event.data as { id?: string } | undefined)?.id;
      if (id) pick.current?.(id);
    });
    made.getZr().on("dblclick", () => made.dispatchAction({ type: "dataZoom", start: 0, end: 100 }));
    if (group) {
      made.group = group;
      connect(group);
    }
    const watch = new ResizeObserver(() => made.resize());
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.dispose();
      chart.current = null;
    };
  }, [group]);

  useEffect(() => {
    if (chart.current) setOptionInView(chart.current, option);
  }, [option]);

  return <div ref={place} className={`chart ${className ?? ""}`} role="img" aria-label={label} />;
}
