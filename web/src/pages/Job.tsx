/* One job: how far it is, what it was asked, what each layer did, what it said and left. */

import { isGone } from "../api/client";
import type { Job, Schemas } from "../api/client";
import { useCatalog, useCurves, useJob, useSession } from "../api/queries";
import { PolicyMark, ProgressBar, StateBadge } from "../components/Marks";
import { Failed, Loading, PartFailed } from "../components/States";
import { NOT_FINITE, bytes, count, duration, isolated, large, metric as asMetric, percent } from "../lib/format";
import { isShare, measureOf, measured } from "../lib/measures";
import type { Measure } from "../lib/measures";
import { how } from "../lib/specs";
import { STUDY_METRICS, isStudy } from "../lib/studies";
import type { StudySpec } from "../lib/studies";
import { whyNotChange, whyNotSubmit } from "../lib/rights";
import { QUALITY, taskOf } from "../lib/tasks";
import { About } from "./JobAbout";
import { Actions } from "./JobActions";
import { JobLog } from "./JobLog";
import { Attempts, Checkpoints, Layers, SpecView } from "./JobRecords";
import { Webhooks } from "./JobWebhooks";
import { Panel } from "./Panel";
import { StudyPanel } from "./StudyPanel";

const JUMPS = ["Layers", "Numbers", "Spec", "Attempts", "Log", "Checkpoints", "Webhooks"];

export function JobPage({ id }: { id: string }) {
  const job = useJob(id);
  if (job.isPending) return <Loading what="the job" />;
  if (job.isLoadingError || isGone(job.error)) return <Failed error={job.error} onRetry={() => void job.refetch()} />;
  return <Shown job={job.data} />;
}

function Shown({ job }: { job: Job }) {
  const { words, policy } = how(job.spec, { layers: true });
  const catalog = useCatalog();
  const studied = isStudy(job);
  const quality = studied ? "frobenius_error" : `test_${QUALITY[taskOf(job.dataset, catalog.data?.datasets)]}`;
  const metrics = studied ? STUDY_METRICS : ["train_loss", quality];
  const curves = useCurves([job.id], metrics, studied ? 1000 : 320);
  const facts = catalog.data?.metrics ?? [];
  const who = useSession().data;
  const whyNot = whyNotChange(who, job.owner);
  const { step, epoch } = job.progress;
  const strands = [
    {
      id: job.id,
      name: words,
      policy,
      strength: 1,
      jobs: [{ id: job.id, stepsPerEpoch: epoch ? step / epoch : null }],
    },
  ];
  return (
    <article className="page">
      <header className="page-head">
        <div>
          <p className="over">
            <bdi>{job.name || "unnamed"}</bdi> · {studied ? "study of" : `${job.model} on`} {job.dataset} · seed {job.seed}
          </p>
          <h1 className="with-mark">
            <PolicyMark policy={policy} size={20} /> {words} <StateBadge state={job.state} wish={job.wish} />
          </h1>
        </div>
        <Actions job={job} whyNot={whyNot} whyNoClone={whyNotSubmit(who)} />
      </header>
      {job.reason && (
        <p className={`banner ${job.state === "failed" ? "bad" : ""}`} role="status">
          <b>{job.reason.kind.replaceAll("_", " ")}</b> {job.reason.message}
        </p>
      )}
      <Progress job={job} measure={measureOf(quality, facts)} />
      <About job={job} whyNot={whyNot} />
      <nav className="jumps" aria-label="On this page">
        {JUMPS.filter((one) => !studied || one !== "Layers").map((one) => (
          <a key={one} href={`#${one.toLowerCase()}`}>
            {one}
          </a>
        ))}
      </nav>
      {curves.error && <PartFailed error={curves.error} onRetry={curves.refetch} />}
      {studied ? (
        <StudyPanel
          groups={[{ key: job.id, label: words, policy, ratio: 1, jobs: [job] }]}
          curves={curves.items ?? []}
          spec={job.spec as unknown as StudySpec}
        />
      ) : (
        <>
          <div className="panels">
            {metrics.map((metric) => (
              <Panel
                key={metric}
                title={facts.find((one) => one.name === metric)?.label ?? metric}
                metric={metric}
                strands={strands}
                curves={curves.items ?? []}
                axis="step"
                smoothing={0}
                logScale={false}
                isShare={isShare(metric)}
                about={`${isolated(job.name || job.id)}: ${job.model} on ${job.dataset}, seed ${job.seed}`}
              />
            ))}
          </div>
          <Layers job={job} />
        </>
      )}
      <div className="columns">
        <Numbers job={job} facts={facts} />
        <SpecView job={job} />
      </div>
      <Attempts job={job} />
      <JobLog id={job.id} name={job.name} isRunning={job.state === "running"} />
      <Checkpoints id={job.id} />
      <Webhooks id={job.id} whyNot={whyNot} />
    </article>
  );
}

function Progress({ job, measure }: { job: Job; measure: Measure }) {
  const { step, of, epoch, steps_per_s, eta_s } = job.progress;
  const value = (name: string) => job.summary[name]?.last;
  const ratio = job.planned_compute_reduction;
  const facts: [string, string][] = [
    [isStudy(job) ? "Pairs kept" : "Step", of === null ? count(step) : `${count(step)} of ${count(of)}`],
    isStudy(job)
      ? ["Ratio", percent(epoch, 0)]
      : ["Epoch", epoch === null ? "–" : String(Number(epoch.toFixed(1)))],
    ...(isStudy(job)
      ? []
      : [[`${measure.label} at best validation`, measured(measure, value(`best_${measure.name}`))] satisfies [string, string]]),
    ["Compute reduction", `${percent(value("compute_reduction"))} performed, ${percent(ratio)} planned`],
    ["Speed", steps_per_s === null ? "–" : `${asMetric(Number(steps_per_s.toPrecision(3)))} steps/s`],
  ];
  if (job.state === "running") facts.push(["Time left", duration(eta_s)]);
  else if (!isStudy(job)) facts.push(["Training time", duration(value("seconds"))]);
  if (job.state === "queued")
    facts.unshift(["Place in the queue", job.queue_position === null ? "–" : count(job.queue_position)]);
  return (
    <section className="card facts" aria-label="Progress">
      {of !== null && <ProgressBar done={step / of} label="Progress" />}
      <dl>
        {facts.map(([term, said]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{said}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Numbers({ job, facts }: { job: Job; facts: readonly Schemas["MetricChoice"][] }) {
  const say = (fact: Schemas["MetricChoice"], value: number | null) => {
    if (isShare(fact.name)) return percent(value, 2);
    if (fact.unit === "s") return duration(value);
    if (fact.unit === "bytes") return bytes(value);
    return fact.name === "macs" ? large(value) : asMetric(value);
  };
  const rows = facts.filter((fact) => job.summary[fact.name]);
  return (
    <section aria-labelledby="numbers">
      <h2 id="numbers" className="section">
        Numbers
      </h2>
      {rows.length === 0 ? (
        <p className="quiet">No number yet.</p>
      ) : (
        <div className="card table">
          <table>
            <thead>
              <tr>
                <th>Metric</th>
                <th className="number">Last</th>
                <th className="number">Best</th>
                <th className="number">At best validation</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((fact) => {
                const value = job.summary[fact.name];
                return (
                  <tr key={fact.name}>
                    <td>{fact.label}</td>
                    <td className="number">{value?.last === null ? NOT_FINITE : say(fact, value?.last ?? null)}</td>
                    <td className="number">{say(fact, value?.best ?? null)}</td>
                    <td className="number">{say(fact, value?.at_best_validation ?? null)}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
