/* Mounts an ECharts option. Charts themselves are pure functions that make such options. */

import type { ECharts, EChartsCoreOption } from "echarts/core";
import { useEffect, useRef, useState } from "react";

import { setOptionInView } from "./view";

// Asked for with the page's own code, and not waited for: the words beside a picture come first.
const engine = import("./engine");
engine.catch(() => undefined); // told by the charts, where there are any

/* Charts are drawn one a frame, so that many of them do not hold up a key or a click. */
const waiting = new Set<() => void>();

function inTurn(draw: () => void): void {
  waiting.add(draw);
  if (waiting.size === 1) requestAnimationFrame(drawNext);
}

function drawNext(): void {
  const [draw] = waiting;
  if (draw) waiting.delete(draw);
  // First: a picture that fails keeps no other one from being drawn.
  if (waiting.size) requestAnimationFrame(drawNext);
  draw?.();
}

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
  const [isMissing, setIsMissing] = useState(false);
  const pick = useRef(onPick);

  useEffect(() => {
    pick.current = onPick;
  }, [onPick]);

  const latest = useRef(option);
  const redraw = useRef<(() => void) | null>(null);
  useEffect(() => {
    latest.current = option;
    redraw.current?.();
  }, [option]);

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    let made: ECharts | null = null;
    let drawn: EChartsCoreOption | null = null;
    let [isGone, isInSight] = [false, true];
    const resizes = new ResizeObserver(() => made?.resize());
    const draw = () => {
      if (isGone || !made) return;
      drawn = latest.current;
      setOptionInView(made, drawn);
    };
    redraw.current = () => {
      if (isInSight && drawn !== latest.current) inTurn(draw);
    };
    const sight = new IntersectionObserver(([entry]) => {
      isInSight = entry?.isIntersecting ?? true;
      if (drawn) redraw.current?.();
    });
    void engine.catch(() => null).then((found) => {
      if (isGone) return;
      if (!found) return setIsMissing(true);
      const { connect, init } = found;
      made = init(element, null, { renderer: "canvas" });
      made.on("click", (event) => {
        const id = (event.data as { id?: string } | undefined)?.id;
        if (id) pick.current?.(id);
      });
      made.getZr().on("dblclick", () => made?.dispatchAction({ type: "dataZoom", start: 0, end: 100 }));
      if (group) {
        made.group = group;
        connect(group);
      }
      inTurn(draw);
      resizes.observe(element);
      sight.observe(element);
    });
    return () => {
      isGone = true;
      redraw.current = null;
      resizes.disconnect();
      sight.disconnect();
      made?.dispose();
    };
  }, [group]);

  if (isMissing) {
    return (
      <p className="quiet pad" role="alert">
        The charts did not load, so there is no picture here. Load the page again to see it.
      </p>
    );
  }
  return <div ref={place} className={`chart ${className ?? ""}`} role="img" aria-label={label} />;
}
