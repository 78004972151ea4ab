/* Studies: how far approximate products are from the exact ones, method by method. */

import { useMemo } from "react";

import type { JobItem } from "../api/client";
import { useCurves, useJobs, useSweeps } from "../api/queries";
import { Link } from "../components/Link";
import { Empty, Failed, Loading } from "../components/States";
import { Switch } from "../components/Switch";
import { chosenIds } from "../lib/choice";
import { several } from "../lib/format";
import { grouped } from "../lib/groups";
import { inOrder } from "../lib/policies";
import { STUDY_METRICS, isStudy, operationInWords } from "../lib/studies";
import type { StudySpec } from "../lib/studies";
import { useParam } from "../lib/url";
import { StudyPanel } from "./StudyPanel";

const specOf = (job: JobItem) => job.spec as unknown as StudySpec;
const settingOf = (job: JobItem) => `${operationInWords(specOf(job))}, ${job.dataset}`;

export function StudyPage() {
  const [sweep] = useParam("sweep");
  const [ticked] = useParam("jobs");
  const [wanted, setWanted] = useParam("setting");
  const ids = chosenIds(ticked);
  const jobs = useJobs({ sweep });
  const sweeps = useSweeps();
  const studies = useMemo(
    () => jobs.data?.pages.flatMap((page) => page.items).filter((job) => isStudy(job) && job.spec !== null) ?? [],
    [jobs.data],
  );
  const chosen = useMemo(() => {
    const ticks = chosenIds(ticked);
    return ticks.length ? studies.filter((job) => ticks.includes(job.id)) : studies;
  }, [studies, ticked]);
  // Errors of different products are no comparison: one product and distribution at a time, the newest first.
  const settings = [...new Set(chosen.map(settingOf))];
  const setting = settings.includes(wanted) ? wanted : (settings[0] ?? "");
  const shown = useMemo(() => chosen.filter((job) => settingOf(job) === setting), [chosen, setting]);
  const groups = useMemo(() => grouped(shown, inOrder), [shown]);
  const curves = useCurves(
    shown.map((job) => job.id),
    STUDY_METRICS,
    1000,
  );

  if (jobs.isLoadingError) return <Failed error={jobs.error} onRetry={() => void jobs.refetch()} />;
  if (curves.error && !curves.items) return <Failed error={curves.error} onRetry={curves.refetch} />;
  if (jobs.isPending) return <Loading what="the studies" />;
  const [first] = shown;
  if (!first) {
    return (
      <Empty title="No study here yet">
        A study measures how far approximate products of random matrices are from the exact ones, without training
        anything. <Link to="/new" changes={{ kind: "study", from: null, preset: null }}>Submit one</Link>.
      </Empty>
    );
  }
  const name = sweeps.data?.items.find((one) => one.id === sweep)?.name;
  return (
    <article className="page">
      <header className="page-head">
        <div>
          <p className="over">{ids.length ? "Ticked studies" : name || "All studies"}</p>
          <h1>
            {setting}: {several(groups.length, "method")}
          </h1>
        </div>
        {settings.length > 1 && (
          <div className="controls">
            <Switch
              legend="Product"
              name="setting"
              options={settings.map((one) => ({ value: one, label: one }))}
              value={setting}
              onChange={setWanted}
            />
          </div>
        )}
      </header>
      <StudyPanel groups={groups} curves={curves.items ?? []} spec={specOf(first)} />
    </article>
  );
}
