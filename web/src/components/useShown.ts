/* Follows what of a long list is in sight, so that only those rows are in the page. */

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { flushSync } from "react-dom";

import { rowsBetween } from "../lib/shown";

/** The rows to show, from the first to before the last. `tops` are of `topsOf`. */
export function useShown(scroller: HTMLElement | null, tops: readonly number[], over: number): [number, number] {
  const [view, setView] = useState({ top: 0, height: 0 });
  const latest = useRef({ tops, view });
  useLayoutEffect(() => {
    latest.current = { tops, view };
  }, [tops, view]);

  useEffect(() => {
    if (!scroller) return;
    const look = () => {
      const { tops: known, view: before } = latest.current;
      const next = { top: scroller.scrollTop, height: scroller.clientHeight };
      const [a, b] = [before, next].map(({ top, height }) => rowsBetween(known, top, top + height, over).join());
      // In this frame: in the next one, what has come into sight would be blank.
      if (a !== b || next.height !== before.height) flushSync(() => setView(next));
    };
    const watch = new ResizeObserver(look);
    watch.observe(scroller);
    scroller.addEventListener("scroll", look, { passive: true });
    return () => {
      watch.disconnect();
      scroller.removeEventListener("scroll", look);
    };
  }, [scroller, over]);

  return useMemo(() => {
    if (!view.height) return [0, 0];
    return rowsBetween(tops, view.top, view.top + view.height, over);
  }, [tops, view, over]);
}
