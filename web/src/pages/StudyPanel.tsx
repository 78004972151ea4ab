/* The errors of a few studies of one product, as picture and as table. */

import { useMemo } from "react";

import type { Curve, JobItem } from "../api/client";
import { Chart } from "../charts/Chart";
import { studyData, studyLabel, studyLegend, studyOption } from "../charts/study";
import type { ErrorLine } from "../charts/study";
import { useTheme } from "../charts/theme";
import { LineMark } from "../components/Marks";
import { Switch } from "../components/Switch";
import { band } from "../lib/bands";
import { metric as asMetric, percent } from "../lib/format";
import type { JobGroup } from "../lib/groups";
import { variantLook, variantsAmong } from "../lib/policies";
import { ERRORS, errorsOf, near, operationInWords, pairsOf } from "../lib/studies";
import type { Against, ErrorName, StudySpec } from "../lib/studies";
import { useChoice, useParam } from "../lib/url";
import { FigureMenu } from "./FigureMenu";

const AGAINST: { value: Against; label: string; axis: string }[] = [
  { value: "pairs", label: "Pairs kept", axis: "Share of pairs kept" },
  { value: "work", label: "Work", axis: "Multiply-accumulates, of the exact product's" },
  { value: "time", label: "Time", axis: "Time, of the exact product's" },
];
const SCALES = [
  { value: "linear", label: "Linear" },
  { value: "log", label: "Logarithmic" },
] as const;
/** Of a figure that is saved: small, so that its type stays legible in a column of a paper. */
const FIGURE = { width: 540, height: 360 };
const RATIOS = [0.1, 0.25, 0.5, 0.75];

interface Props {
  groups: readonly JobGroup<JobItem>[];
  curves: readonly Curve[];
  spec: StudySpec;
}

export function StudyPanel({ groups, curves, spec }: Props) {
  const [error, setError] = useParam("error", "frobenius_error");
  const [against, setAgainst] = useChoice("against", AGAINST, "pairs");
  const [scale, setScale] = useChoice("scale", SCALES, "linear");
  const theme = useTheme();
  const what = ERRORS.find((one) => one.name === error) ?? ERRORS[0];
  const axis = AGAINST.find((one) => one.value === against) ?? AGAINST[0];
  const xLabel = axis?.axis ?? "";
  const isLog = scale === "log";
  const pairs = pairsOf(spec);

  const { lines, bound } = useMemo(() => {
    const seeds = (group: JobGroup<JobItem>, metric: string) => {
      const members = group.jobs.map((job) => errorsOf(curves, job.id, metric, pairs, against));
      const found = members.filter((one) => one.xs.length > 0);
      if (found.length < 2) return found[0] ?? { xs: [], ys: [] };
      const mean = band(found);
      return { xs: mean.xs, ys: mean.mean };
    };
    const variants = variantsAmong(groups.map((group) => group.policy));
    const lines = groups.map((group, i): ErrorLine => {
      const { key: id, label: name, policy } = group;
      const expected = what.expected ? seeds(group, "expected_error") : { xs: [], ys: [] };
      return { id, name, policy, variant: variants[i] ?? 0, ...seeds(group, what.name), expected };
    });
    const bounds = groups.map((group) => seeds(group, "error_bound")).find((one) => one.xs.length > 0);
    return { lines: lines.filter((line) => line.xs.length > 0), bound: bounds ?? null };
  }, [groups, curves, pairs, against, what]);
  const settings = useMemo(
    () => ({ xLabel, yLabel: `${what.label} error`, logScale: isLog, bound }),
    [xLabel, what, isLog, bound],
  );
  const option = useMemo(() => studyOption(lines, settings, theme), [lines, settings, theme]);

  return (
    <>
      <section className="card study" aria-label="Error">
        <div className="card-head">
          <Switch
            legend="Error"
            name="error"
            options={ERRORS.map(({ name, label }) => ({ value: name, label }))}
            value={what.name}
            onChange={(name: ErrorName) => setError(name)}
          />
          <Switch legend="Against" name="against" options={AGAINST} value={against} onChange={setAgainst} />
          <Switch
            legend="Scale"
            name="scale"
            options={SCALES}
            value={scale}
            onChange={setScale}
          />
          {lines.length > 0 && (
            <FigureMenu
              name="study"
              title={`${what.label} error of approximate products`}
              lines={[
                `${operationInWords(spec)}, ${groups[0]?.jobs[0]?.dataset ?? ""} entries`,
                "errors are relative to the norms of both factors",
              ]}
              size={FIGURE}
              option={(paper) => studyOption(lines, settings, paper)}
              legend={(paper) => studyLegend(lines, bound, paper)}
              data={() => Promise.resolve(studyData(lines, bound))}
            />
          )}
        </div>
        {lines.length > 0 ? (
          <Chart option={option} className="tall" label={studyLabel(lines, `${what.label} error over ${xLabel}`)} />
        ) : (
          <p className="quiet pad">Points appear here as the studies go on, size by size.</p>
        )}
        <ul className="legend pad">
          {lines.map((line) => (
            <li key={line.id}>
              <LineMark look={variantLook(line.policy, line.variant)} /> {line.name}
            </li>
          ))}
          <li className="quiet">
            errors are relative to the norms of both factors
            {lines.some((line) => line.expected.xs.length > 0) && " · dotted: what is expected, exactly"}
            {bound && " · dashed grey: the bound of norm-proportional sampling"}
          </li>
        </ul>
      </section>
      <Errors lines={lines} />
    </>
  );
}

/** The picture's twin in numbers. */
function Errors({ lines }: { lines: readonly ErrorLine[] }) {
  if (lines.length === 0) return null;
  return (
    <section className="card table" aria-label="Errors">
      <table>
        <thead>
          <tr>
            <th>Method</th>
            {RATIOS.map((ratio) => (
              <th key={ratio} className="number">
                at {percent(ratio, 0)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lines.map((line) => (
            <tr key={line.id}>
              <td>
                <span className="with-mark">
                  <LineMark look={variantLook(line.policy, line.variant)} /> {line.name}
                </span>
              </td>
              {RATIOS.map((ratio) => (
                <td key={ratio} className="number">
                  {asMetric(near(line, ratio))}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
