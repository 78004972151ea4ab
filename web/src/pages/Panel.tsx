/* One metric as a small chart, with a word about what it leaves out. */

import { useMemo } from "react";

import type { Curve } from "../api/client";
import { Chart } from "../charts/Chart";
import { along, curvesOption } from "../charts/curves";
import type { Axis, CurveLine } from "../charts/curves";
import { useTheme } from "../charts/theme";
import { band } from "../lib/bands";
import { count, several } from "../lib/format";

export interface Strand {
  id: string;
  name: string;
  policy: string;
  strength: number;
  /** Jobs that are drawn as one line: their mean. */
  jobs: { id: string; stepsPerEpoch: number | null }[];
}

interface Props {
  title: string;
  metric: string;
  strands: readonly Strand[];
  curves: readonly Curve[];
  axis: Axis;
  smoothing: number;
  logScale: boolean;
  isShare: boolean;
}

export function Panel({ title, metric, strands, curves, axis, smoothing, logScale, isShare }: Props) {
  const theme = useTheme();
  const of = useMemo(() => curves.filter((curve) => curve.metric === metric), [curves, metric]);
  const option = useMemo(() => {
    const lines = linesOf(strands, curves, metric, axis);
    return curvesOption(lines, { axis, smoothing, isShare, logScale }, theme);
  }, [strands, curves, metric, axis, smoothing, isShare, logScale, theme]);
  const reduced = of.filter((curve) => curve.reduced);
  const longest = reduced.reduce<Curve | null>((a, b) => (a && a.of >= b.of ? a : b), null);
  const infinite = of.reduce((sum, curve) => sum + curve.non_finite.length, 0);
  return (
    <section className="card panel" aria-label={title}>
      <h2>
        {title}
        {infinite > 0 && <span className="warned">{several(infinite, "value")} not finite</span>}
      </h2>
      {of.some((curve) => curve.values.length > 0) ? (
        <Chart option={option} group="curves" label={`${title} over ${axis}: ${several(strands.length, "line")}`} />
      ) : (
        <p className="quiet pad">No point yet.</p>
      )}
      <p className="quiet foot">
        {longest
          ? `${count(longest.values.length)} of ${count(longest.of)} points, minimum and maximum kept`
          : of.length > 0
            ? "every point shown"
            : ""}
      </p>
    </section>
  );
}

function linesOf(strands: readonly Strand[], curves: readonly Curve[], metric: string, axis: Axis): CurveLine[] {
  const find = (job: string, name: string) => curves.find((curve) => curve.job === job && curve.metric === name);
  return strands.flatMap((strand): CurveLine[] => {
    const members = strand.jobs.flatMap((job) => {
      const curve = find(job.id, metric);
      if (!curve || curve.values.length === 0) return [];
      const seconds = find(job.id, "seconds");
      const clock = { stepsPerEpoch: job.stepsPerEpoch, seconds: seconds ?? null };
      return [{ xs: along(curve.steps, axis, clock), ys: curve.values }];
    });
    const { id, name, policy, strength } = strand;
    const [only] = members;
    if (!only) return [];
    if (members.length === 1) return [{ id, name, policy, strength, ...only }];
    const made = band(members);
    return [{ id, name, policy, strength, xs: made.xs, ys: made.mean, std: made.std }];
  });
}
