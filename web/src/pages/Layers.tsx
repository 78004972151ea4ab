/* For one job: what each layer kept, saved and missed. */

import { useMemo } from "react";
import type { ReactNode } from "react";

import { isGone } from "../api/client";
import type { JobItem } from "../api/client";
import { useJob, useJobs, useLayers } from "../api/queries";
import { Link } from "../components/Link";
import { PolicyMark, StateBadge } from "../components/Marks";
import { Empty, Failed, Loading } from "../components/States";
import { chosenIds } from "../lib/choice";
import { count, isolated } from "../lib/format";
import { findings, isExact } from "../lib/layering";
import { how } from "../lib/specs";
import { hasEnded } from "../lib/states";
import { isStudy } from "../lib/studies";
import { useParam } from "../lib/url";
import { LayerAnswer, LayerPicture, LayerTable } from "./LayerViews";

export function LayersPage() {
  const [sweep] = useParam("sweep");
  const [ticked] = useParam("jobs");
  const [wanted, setWanted] = useParam("job");
  const jobs = useJobs({ sweep });
  const items = useMemo(() => jobs.data?.pages.flatMap((page) => page.items) ?? [], [jobs.data]);
  if (jobs.isLoadingError) return <Failed error={jobs.error} onRetry={() => void jobs.refetch()} />;
  if (jobs.isPending) return <Loading what="the jobs" />;
  const id = wanted || chosenIds(ticked)[0] || firstOf(items)?.id;
  if (!id) {
    return (
      <Empty title="No layers yet">
        Each layer of a job reports what it saves and how far off it is. <Link to="/new">Submit a job</Link> to see some.
      </Empty>
    );
  }
  return <OfJob key={id} id={id} items={items} ticked={chosenIds(ticked)} choose={setWanted} />;
}

/** The newest job that samples and has begun, else the newest that trains, else the newest. */
function firstOf(items: readonly JobItem[]): JobItem | undefined {
  const trains = items.filter((job) => !isStudy(job));
  const samples = trains.filter((job) => job.policy !== "exact");
  return samples.find((job) => job.progress.step > 0) ?? samples[0] ?? trains[0] ?? items[0];
}

interface OfJobProps {
  id: string;
  items: readonly JobItem[];
  ticked: readonly string[];
  choose: (id: string) => void;
}

function OfJob({ id, items, ticked, choose }: OfJobProps) {
  const job = useJob(id);
  const layers = useLayers(id);
  const rows = useMemo(() => layers.data?.items ?? [], [layers.data]);
  const found = useMemo(() => findings(rows), [rows]);
  if (job.isLoadingError || isGone(job.error)) {
    return (
      <article className="page layers">
        <Head>
          <h1>This job is not here</h1>
          <Chooser id={id} items={items} ticked={ticked} choose={choose} />
        </Head>
        <Failed error={job.error} onRetry={() => void job.refetch()} />
      </article>
    );
  }
  if (job.isPending || layers.isPending) return <Loading what="the layers" />;
  const { words, policy } = how(job.data.spec, { layers: true });
  const isReported = rows.length > 0 && !isExact(rows) && !isStudy(job.data);
  return (
    <article className="page layers">
      <Head>
        <div>
          <p className="over with-mark">
            <PolicyMark policy={policy} /> <Link to={`/jobs/${id}`}><bdi>{job.data.name || "unnamed"}</bdi></Link> · {words} ·{" "}
            {job.data.model} on {job.data.dataset} · seed {job.data.seed}{" "}
            <StateBadge state={job.data.state} wish={job.data.wish} />
          </p>
          <h1 className="answer">{isReported ? <LayerAnswer found={found} /> : "Layers"}</h1>
        </div>
        <Chooser id={id} items={items} ticked={ticked} choose={choose} />
      </Head>
      {layers.isLoadingError && <Failed error={layers.error} onRetry={() => void layers.refetch()} />}
      {isReported ? (
        <>
          <LayerPicture rows={rows} />
          <LayerTable rows={rows} />
          <p className="quiet note">
            {layers.data?.step === null || layers.data === undefined
              ? ""
              : `Summed over the job up to step ${count(layers.data.step)}; errors are of the last probe.`}
          </p>
        </>
      ) : (
        !layers.isLoadingError && <Nothing job={job.data} hasRows={rows.length > 0} />
      )}
    </article>
  );
}

function Head({ children }: { children: ReactNode }) {
  return <header className="page-head">{children}</header>;
}

/** Why there is nothing to see of a job, and where to go on. */
function Nothing({ job, hasRows }: { job: JobItem; hasRows: boolean }) {
  if (isStudy(job)) {
    return (
      <Empty title="This is a study">
        It measures single products and trains no network, so it has no layers. <Link to="/study">See its errors</Link>,
        or choose a training job above.
      </Empty>
    );
  }
  if (hasRows || job.policy === "exact") {
    return (
      <Empty title="This job is exact">
        Every product keeps all of its pairs: nothing is saved, and nothing is off. Choose a job that samples above.
      </Empty>
    );
  }
  return (
    <Empty title="No report yet">
      {hasEnded(job.state)
        ? "This job ended before its layers were reported."
        : job.state === "running"
          ? "Layers report at the end of an epoch; they appear here by themselves."
          : "This job has not begun. Its layers appear here with its first report."}{" "}
      <Link to={`/jobs/${job.id}`}>Open the job</Link>.
    </Empty>
  );
}

/** Which job: the ticked ones first, then what is in the list at the left. */
function Chooser({ id, items, ticked, choose }: OfJobProps) {
  const known = new Map(items.map((job) => [job.id, job]));
  const label = (one: string) => {
    const job = known.get(one);
    if (!job) return one;
    return `${isolated(job.name || "unnamed")} · ${how(job.spec).words} · seed ${job.seed}`;
  };
  const ticks = ticked.filter((one) => known.has(one) || one === id);
  const others = items.filter((job) => !ticks.includes(job.id) && !isStudy(job)).map((job) => job.id);
  const isElsewhere = !ticks.includes(id) && !others.includes(id);
  const options = (ids: readonly string[]) =>
    ids.map((one) => (
      <option key={one} value={one}>
        {label(one)}
      </option>
    ));
  return (
    <label className="pick layer-job">
      Job
      <select aria-label="Job" value={id} onChange={(event) => choose(event.target.value)}>
        {isElsewhere && options([id])}
        {ticks.length > 0 && <optgroup label="Ticked">{options(ticks)}</optgroup>}
        {ticks.length > 0 ? <optgroup label="Others">{options(others)}</optgroup> : options(others)}
      </select>
    </label>
  );
}
