/* Curves of the chosen jobs, as they come in. */

import { useDeferredValue, useMemo } from "react";

import { useCatalog, useChosen, useCurves, useJobs, useSweeps } from "../api/queries";
import type { Curve, JobItem } from "../api/client";
import type { Axis } from "../charts/curves";
import { Link } from "../components/Link";
import { PolicyMark } from "../components/Marks";
import { Empty, Failed, Loading } from "../components/States";
import { Switch } from "../components/Switch";
import { chosenIds, firstChoice } from "../lib/choice";
import { count, duration, isolated, metric as asMetric, several } from "../lib/format";
import { groupKey, grouped } from "../lib/groups";
import type { JobGroup } from "../lib/groups";
import { isShare, measureOf, measured } from "../lib/measures";
import type { Measure } from "../lib/measures";
import { inOrder, strengthOf } from "../lib/policies";
import { isStudy } from "../lib/studies";
import { QUALITY, taskOf } from "../lib/tasks";
import { caveatOf, footnote, marked } from "../lib/timing";
import { useChoice, useParam } from "../lib/url";
import { Panel } from "./Panel";
import type { Strand } from "./Panel";

const LOSSES = ["train_loss", "validation_loss"];
const OTHERS = ["train_accuracy", "test_loss", "steps_per_s", "gradient_norm", "learning_rate", "compute_reduction"];
const MOST = 40;
const MAX_POINTS = 320;
const MOST_SMOOTH = 0.95;
const NONE: Curve[] = [];
const AXES: { value: Axis; label: string }[] = [
  { value: "step", label: "Steps" },
  { value: "epoch", label: "Epochs" },
  { value: "seconds", label: "Seconds" },
];
const SEEDS = [
  { value: "mean", label: "Mean ± spread" },
  { value: "each", label: "Each" },
] as const;

export function CurvesPage() {
  const [sweep] = useParam("sweep");
  const [ticked] = useParam("jobs");
  const [axis, setAxis] = useChoice("axis", AXES, "step");
  const [seeds, setSeeds] = useChoice("seeds", SEEDS, "mean");
  const [smooth, setSmoothing] = useParam("smooth", "0");
  const smoothing = Math.min(MOST_SMOOTH, Math.max(0, Number(smooth) || 0));
  const [log, setLog] = useParam("log");
  const [extra, setExtra] = useParam("metric");
  const ids = useMemo(() => chosenIds(ticked), [ticked]);
  const sweeps = useSweeps();
  const scope = sweep || (sweeps.data?.items[0]?.id ?? "");
  const listed = useJobs({ sweep: scope });
  const chosen = useChosen(ids);
  const jobs = ids.length ? chosen : listed;
  const catalog = useCatalog();

  const items = useMemo(() => {
    const all = ids.length ? chosen.data?.items : listed.data?.pages.flatMap((page) => page.items);
    return all?.filter((job) => !isStudy(job)) ?? [];
  }, [ids, chosen.data, listed.data]);
  const shown = useMemo(() => {
    if (ids.length) return items;
    const first = firstChoice(
      items.map((job) => ({ id: job.id, group: groupKey(job) })),
      MOST,
    );
    const wanted = new Set(first);
    return items.filter((job) => wanted.has(job.id));
  }, [ids, items]);
  const groups = useMemo(() => grouped(shown, inOrder), [shown]);
  const strands = useMemo(() => strandsOf(groups, seeds === "each"), [groups, seeds]);
  const qualities = useMemo(
    () => [...new Set(shown.map((job) => QUALITY[taskOf(job.dataset, catalog.data?.datasets)]))],
    [shown, catalog.data],
  );
  const metrics = [
    ...qualities.flatMap((quality) => [`test_${quality}`, `validation_${quality}`]),
    ...LOSSES,
    ...(extra ? [extra] : []),
  ];
  const asked = axis === "seconds" ? [...metrics, "seconds"] : metrics;
  const curves = useCurves(
    shown.map((job) => job.id),
    asked,
    MAX_POINTS,
  );
  // Panels are worked out one after the other, and give way to keys and clicks.
  const drawn = useDeferredValue(curves.items ?? NONE);

  if (jobs.isLoadingError) return <Failed error={jobs.error} onRetry={() => void jobs.refetch()} />;
  if (curves.error && !curves.items) return <Failed error={curves.error} onRetry={curves.refetch} />;
  if (jobs.isPending || sweeps.isPending) return <Loading what="the curves" />;
  if (shown.length === 0) {
    return (
      <Empty title="No curves yet">
        {ids.length > 0 ? "None of the ticked jobs is here any more; tick others at the left." : null}
        {ids.length === 0 && (
          <>
            Curves appear with a job's first steps. <Link to="/new">Submit a job</Link> to see some.
          </>
        )}
      </Empty>
    );
  }
  const facts = catalog.data?.metrics ?? [];
  const label = (name: string) => facts.find((one) => one.name === name)?.label ?? name;
  const name = sweeps.data?.items.find((one) => one.id === scope)?.name;
  const scopeName = ids.length ? "Ticked jobs" : name || "All jobs";
  return (
    <article className="page">
      <header className="page-head">
        <div>
          <p className="over">{scopeName}</p>
          <h1>
            {several(shown.length, "job")}, {several(groups.length, "group")}
          </h1>
        </div>
        <div className="controls">
          <Switch legend="Over" name="axis" options={AXES} value={axis} onChange={setAxis} />
          <Switch legend="Seeds" name="seeds" options={SEEDS} value={seeds} onChange={setSeeds} />
          <label className="pick">
            Smoothing
            <input
              type="range"
              min="0"
              max={MOST_SMOOTH}
              step="0.05"
              value={smoothing}
              onChange={(event) => setSmoothing(event.target.value === "0" ? null : event.target.value)}
            />
          </label>
          <label className="check">
            <input
              type="checkbox"
              checked={log === "1"}
              onChange={(event) => setLog(event.target.checked ? "1" : null)}
            />
            log scale
          </label>
          <label className="pick">
            Also
            <select value={extra} onChange={(event) => setExtra(event.target.value || null)}>
              <option value="">no more</option>
              {OTHERS.map((one) => (
                <option key={one} value={one}>
                  {label(one)}
                </option>
              ))}
            </select>
          </label>
        </div>
      </header>
      {(axis === "seconds" || extra === "steps_per_s") && <p className="quiet">{footnote([caveatOf(shown)])}</p>}
      <ul className="legend">
        {inOrder(groups.map((group) => group.policy)).map((policy) => (
          <li key={policy}>
            <PolicyMark policy={policy} dash /> {policy}
          </li>
        ))}
        <li className="quiet">
          paler: fewer pairs kept{seeds === "mean" ? " · band: one standard deviation over seeds" : ""} · Ctrl and wheel
          zoom, a double click goes back
        </li>
      </ul>
      {curves.error && <Failed error={curves.error} onRetry={curves.refetch} />}
      <div className="panels">
        {metrics.map((metric) => (
          <Panel
            key={metric}
            title={label(metric)}
            metric={metric}
            strands={strands}
            curves={drawn}
            axis={axis}
            smoothing={smoothing}
            logScale={log === "1" && !isShare(metric)}
            isShare={isShare(metric)}
            about={`${isolated(scopeName)}: ${several(shown.length, "job")}, ${several(groups.length, "group")}`}
          />
        ))}
      </div>
      <Latest groups={groups} qualities={qualities.map((quality) => measureOf(`test_${quality}`, facts))} />
      {!ticked && items.length > shown.length && (
        <p className="quiet">
          {count(shown.length)} of {count(items.length)} jobs, some of every group; tick jobs at the left for others.
        </p>
      )}
    </article>
  );
}

function strandsOf(groups: readonly JobGroup<JobItem>[], each: boolean): Strand[] {
  return groups.flatMap((group): Strand[] => {
    const strength = strengthOf(group.ratio);
    const jobs = group.jobs.map((job) => ({
      id: job.id,
      stepsPerEpoch: job.progress.epoch ? job.progress.step / job.progress.epoch : null,
    }));
    const { policy, label } = group;
    if (!each) return [{ id: group.key, name: label, policy, strength, jobs }];
    return group.jobs.map((job, i) => ({
      id: job.id,
      name: `${label}, seed ${job.seed}`,
      policy,
      strength,
      jobs: jobs.slice(i, i + 1),
    }));
  });
}

/** The charts' twin in numbers. */
function Latest({
  groups,
  qualities,
}: {
  groups: readonly JobGroup<JobItem>[];
  qualities: readonly Measure[];
}) {
  const mean = (group: JobGroup<JobItem>, metric: string) => {
    const values = group.jobs.flatMap((job) => job.summary[metric]?.last ?? []);
    return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
  };
  const caveat = caveatOf(groups.flatMap((group) => group.jobs));
  return (
    <section className="card table" aria-label="Last values">
      <table>
        <thead>
          <tr>
            <th>Group</th>
            <th className="number">Jobs</th>
            <th className="number">Step</th>
            {qualities.map((measure) => (
              <th key={measure.name} className="number">
                {measure.label}
              </th>
            ))}
            <th className="number">Training loss</th>
            <th className="number">Seconds</th>
          </tr>
        </thead>
        <tbody>
          {groups.map((group) => (
            <tr key={group.key}>
              <td>
                <span className="with-mark">
                  <PolicyMark policy={group.policy} strength={strengthOf(group.ratio)} /> {group.label}
                </span>
              </td>
              <td className="number">{group.jobs.length}</td>
              <td className="number">{count(Math.max(...group.jobs.map((job) => job.progress.step)))}</td>
              {qualities.map((measure) => (
                <td key={measure.name} className="number">
                  {measured(measure, mean(group, measure.name))}
                </td>
              ))}
              <td className="number">{asMetric(mean(group, "train_loss"))}</td>
              <td className="number">{marked(duration(mean(group, "seconds")), caveat)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {caveat && <p className="quiet foot">{footnote([caveat])}</p>}
    </section>
  );
}
