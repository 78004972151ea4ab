/* One metric as a small chart, with a word about what it leaves out. */

import { useMemo } from "react";

import type { Curve } from "../api/client";
import { allPoints } from "../api/points";
import { Chart } from "../charts/Chart";
import { along, curvesLegend, curvesOption } from "../charts/curves";
import type { Axis, CurveLine } from "../charts/curves";
import { useTheme } from "../charts/theme";
import { band } from "../lib/bands";
import type { Cell } from "../lib/csv";
import { count, several } from "../lib/format";
import { noteOnCurve } from "../lib/measures";
import { FigureMenu } from "./FigureMenu";

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
  /** What is shown of what, for figures that are taken away. */
  about: string;
}

/** Of a figure that is saved: small, so that its type stays legible in a column of a paper. */
const FIGURE = { width: 440, height: 280 };

export function Panel({ title, metric, strands, curves, axis, smoothing, logScale, isShare, about }: Props) {
  const theme = useTheme();
  const of = useMemo(() => curves.filter((curve) => curve.metric === metric), [curves, metric]);
  const lines = useMemo(() => linesOf(strands, curves, metric, axis), [strands, curves, metric, axis]);
  const settings = useMemo(
    () => ({ axis, smoothing, isShare, logScale }),
    [axis, smoothing, isShare, logScale],
  );
  const option = useMemo(() => curvesOption(lines, settings, theme), [lines, settings, theme]);
  const reduced = of.filter((curve) => curve.reduced);
  const longest = reduced.reduce<Curve | null>((a, b) => (a && a.of >= b.of ? a : b), null);
  const infinite = of.reduce((sum, curve) => sum + curve.non_finite.length, 0);
  const isAny = of.some((curve) => curve.values.length > 0);
  const meaned = strands.some((strand) => strand.jobs.length > 1);
  return (
    <section className="card panel" aria-label={title}>
      <div className="panel-head">
        <h2>
          {title}
          {infinite > 0 && <span className="warned">{several(infinite, "value")} not finite</span>}
        </h2>
        {isAny && (
          <FigureMenu
            name="curves"
            title={`${title} over ${axis === "seconds" ? "training time" : `${axis}s`}`}
            lines={[
              about,
              [
                meaned ? "lines: mean over seeds, bands: one standard deviation" : "",
                smoothing > 0 ? `smoothed by ${smoothing}` : "",
                longest ? "minimum and maximum of long curves kept" : "",
                noteOnCurve(metric),
              ]
                .filter(Boolean)
                .join("; "),
            ]}
            size={FIGURE}
            option={(paper) => curvesOption(lines, settings, paper)}
            legend={(paper) => curvesLegend(lines, paper)}
            data={() => wholeData(strands, metric)}
          />
        )}
      </div>
      {isAny ? (
        <Chart option={option} group="curves" label={`${title} over ${axis}: ${several(strands.length, "line")}`} />
      ) : (
        <p className="quiet pad">No point yet.</p>
      )}
      <p className="quiet foot">
        {[longest ? kept(longest) : of.length > 0 ? "every point shown" : "", isAny ? noteOnCurve(metric) : ""]
          .filter(Boolean)
          .join("; ")}
      </p>
    </section>
  );
}

function kept({ values, of }: Curve): string {
  return `${count(values.length)} of ${count(of)} points, minimum and maximum kept`;
}

/** Every point of every job, whatever the picture leaves out. */
async function wholeData(strands: readonly Strand[], metric: string): Promise<{ head: string[]; rows: Cell[][] }> {
  const jobs = strands.flatMap((strand) => strand.jobs.map((job) => ({ line: strand.name, id: job.id, per: job.stepsPerEpoch })));
  const [curves, clocks] = await allPoints(
    jobs.map((job) => job.id),
    [metric, "seconds"],
  );
  const rows = jobs.flatMap(({ line, id, per }) => {
    const curve = curves?.find((one) => one.job === id);
    const seconds = clocks?.find((one) => one.job === id) ?? null;
    if (!curve) return [];
    const times = along(curve.steps, "seconds", { stepsPerEpoch: per, seconds });
    return curve.steps.map((step, i): Cell[] => [line, id, step, per ? step / per : null, times?.[i], curve.values[i]]);
  });
  return { head: ["line", "job", "step", "epoch", "seconds", metric], rows };
}

function linesOf(strands: readonly Strand[], curves: readonly Curve[], metric: string, axis: Axis): CurveLine[] {
  const find = (job: string, name: string) => curves.find((curve) => curve.job === job && curve.metric === name);
  return strands.flatMap((strand): CurveLine[] => {
    const members = strand.jobs.flatMap((job) => {
      const curve = find(job.id, metric);
      if (!curve || curve.values.length === 0) return [];
      const seconds = find(job.id, "seconds");
      const clock = { stepsPerEpoch: job.stepsPerEpoch, seconds: seconds ?? null };
      const xs = along(curve.steps, axis, clock);
      return xs ? [{ xs, ys: curve.values }] : [];
    });
    const { id, name, policy, strength } = strand;
    const [only] = members;
    if (!only) return [];
    if (members.length === 1) return [{ id, name, policy, strength, ...only }];
    const made = band(members);
    return [{ id, name, policy, strength, xs: made.xs, ys: made.mean, std: made.std }];
  });
}
