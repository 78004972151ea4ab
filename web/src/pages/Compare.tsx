/* The page that Colrow exists for: what does each policy cost in accuracy, and what does it save? */

import { useMemo } from "react";

import { Failure } from "../api/client";
import type { Group } from "../api/client";
import { useCatalog, useComparison, useJobs, useSweeps } from "../api/queries";
import type { X } from "../api/queries";
import { Chart } from "../charts/Chart";
import { compareData, compareLabel, compareLegend, compareOption, farOff, isStretched } from "../charts/compare";
import type { Bars } from "../charts/compare";
import { useTheme } from "../charts/theme";
import { Link } from "../components/Link";
import { PolicyMark } from "../components/Marks";
import { Empty, Failed, Loading } from "../components/States";
import { Switch } from "../components/Switch";
import { answersOf } from "../lib/answers";
import type { Answer as Told } from "../lib/answers";
import { chosenIds } from "../lib/choice";
import { goneInWords, isolated, several } from "../lib/format";
import { withoutShared } from "../lib/labels";
import { marginInWords, marginOf, measureOf, measured } from "../lib/measures";
import { useNarrow } from "../lib/narrow";
import { scopeOf } from "../lib/scope";
import { useSlow } from "../lib/slow";
import { isStudy } from "../lib/studies";
import { QUALITY, taskOf } from "../lib/tasks";
import { navigate, useChoice, useParam } from "../lib/url";
import { best, equals, headline, nearest } from "../lib/verdict";
import type { Terms } from "../lib/verdict";
import { CompareTable } from "./CompareTable";
import { FigureMenu } from "./FigureMenu";

const PERFORMED = { value: "compute_reduction" as X, label: "Performed", axis: "Compute reduction, performed" };
const XS: { value: X; label: string; axis: string }[] = [
  PERFORMED,
  { value: "planned_compute_reduction", label: "Planned", axis: "Compute reduction, planned" },
  { value: "time_saved", label: "Measured time", axis: "Training time saved against exact, measured" },
];
const BARS: { value: Bars; label: string }[] = [
  { value: "interval", label: "95\u202f% interval" },
  { value: "spread", label: "Spread over seeds" },
];
const BARS_SAY: Record<Bars, string> = {
  interval: "bars: 95 % interval of the difference to exact",
  spread: "bars: one standard deviation over seeds",
};
const Y = "best_test_accuracy";
/** Of a figure that is saved: small, so that its type stays legible in a column of a paper. */
const FIGURE = { width: 620, height: 400 };

const settingOf = (group: Group) => `${group.model} on ${group.dataset}`;

export function ComparePage() {
  const [sweep] = useParam("sweep");
  const [ticked] = useParam("jobs");
  const [x, setX] = useChoice("x", XS, PERFORMED.value);
  const [margined] = useParam("margin");
  const typed = useSlow(margined, 400);
  const [bars, setBars] = useChoice("bars", BARS, "interval");
  const [range, setRange] = useParam("range");
  const [setting] = useParam("task");
  const theme = useTheme();
  const isNarrow = useNarrow();
  const catalog = useCatalog();
  const sweeps = useSweeps();
  const ids = chosenIds(ticked);
  const newest = sweeps.data?.items[0]?.id;
  const jobs = useJobs({});
  const listed = jobs.data?.pages[0]?.items.map((job) => job.id) ?? [];
  const scope = scopeOf(ids, sweep, newest, listed);
  const axis = XS.find((one) => one.value === x) ?? PERFORMED;

  // Results on different data are no comparison: one network and data set at a time. By what they are judged follows
  // from the data, so what there is comes first.
  const there = useComparison(scope, axis.value, Y, "");
  const trained = there.data?.groups.filter((group) => !isStudy(group));
  const settings = [...new Set(trained?.map(settingOf))];
  const shown = settings.includes(setting) ? setting : (settings[0] ?? "");
  const dataset = trained?.find((group) => settingOf(group) === shown)?.dataset ?? "";
  const asked = `best_test_${QUALITY[taskOf(dataset, catalog.data?.datasets)]}`;
  const judged = useComparison(scope, axis.value, asked, typed);
  // While a margin is refused, the last one that held stays in force.
  const refusal = judged.error instanceof Failure && judged.error.status === 422 && typed ? judged.error : null;
  const otherwise = useComparison(scope, axis.value, asked, "");
  const comparison = refusal ? otherwise : judged;
  const { data } = comparison;

  const groups = useMemo(() => {
    const ofSetting = data?.groups.filter((group) => settingOf(group) === shown) ?? [];
    const labels = withoutShared(ofSetting.map((group) => group.label));
    return ofSetting.map((group, i) => ({ ...group, label: labels[i] ?? group.label }));
  }, [data, shown]);
  const terms = useMemo<Terms>(
    () => ({
      measure: measureOf(data?.y ?? Y, catalog.data?.metrics),
      margin: data?.margin ?? { value: 0.2, is_relative: false },
    }),
    [data, catalog.data],
  );
  const { measure } = terms;
  const margin = marginOf(terms.margin, groups.find((group) => group.is_baseline)?.y.mean ?? 0);
  const isNear = range ? range === "near" : isStretched(groups, measure);
  const settingsOfChart = useMemo(
    () => ({ xLabel: axis.axis, yLabel: axisLabel(terms), measure, margin, isNear, bars, isNarrow }),
    [axis, terms, measure, margin, isNear, bars, isNarrow],
  );
  const option = useMemo(() => compareOption(groups, settingsOfChart, theme), [groups, settingsOfChart, theme]);

  if (sweeps.isLoadingError) return <Failed error={sweeps.error} onRetry={() => void sweeps.refetch()} />;
  if (comparison.isLoadingError) return <Failed error={comparison.error} onRetry={() => void comparison.refetch()} />;
  // What is still there of another metric is not shown as this one.
  const isOther = data !== undefined && data.y !== asked;
  if (sweeps.isPending || catalog.isPending || isOther || (comparison.isPending && comparison.isFetching))
    return <Loading what="the comparison" />;
  if (!groups.length) return there.data?.groups.some(isStudy) ? <OnlyStudies /> : <Nothing />;

  const gone = there.data?.gone ?? 0;
  const name = ids.length
    ? several(ids.length - gone, "chosen job")
    : scope.sweep
      ? sweeps.data.items.find((one) => one.id === scope.sweep)?.name || "sweep without a name"
      : several(listed.length, "job");
  const pending = groups.reduce((sum, group) => sum + group.pending, 0);
  const far = farOff(groups, measure).length;
  const results = groups.some((group) => group.y.mean !== null);
  const saved = axis.value === "time_saved" ? "time" : "compute";
  return (
    <article className="page compare">
      <header className="page-head">
        <div>
          <p className="over">
            <bdi>{name}</bdi>
            {pending > 0 && <> · {several(pending, "job")} still to come</>}
            {gone > 0 && <> · {goneInWords(gone)}</>}
          </p>
          <Answer groups={groups} terms={terms} saved={saved} />
        </div>
        {settings.length > 1 && (
          <Switch
            legend="Network and data"
            name="task"
            options={settings.map((one) => ({ value: one, label: one }))}
            value={shown}
            onChange={(one) => navigate(null, { task: one, margin: null }, "replace")}
          />
        )}
      </header>
      <Answers groups={groups} terms={terms} saved={saved} />
      <section className="card" aria-label="Chart">
        <div className="card-head">
          <Switch legend="Saved" name="x" options={XS} value={axis.value} onChange={setX} />
          <MarginField terms={terms} error={refusal?.message ?? ""} />
          <Switch legend="Bars" name="bars" options={BARS} value={bars} onChange={setBars} />
          {results && (
            <FigureMenu
              name="compare"
              title={`${axisLabel(terms)} against ${axis.axis.toLowerCase()}`}
              lines={[
                `${isolated(name)}: ${shown}, ${several(groups.length, "group")}${isNear && far > 0 ? `, ${far} far from exact out of sight` : ""}`,
                `${BARS_SAY[bars]}; pale: another group saves as much and costs less`,
              ]}
              size={FIGURE}
              option={(paper) => compareOption(groups, { ...settingsOfChart, isNarrow: false }, paper)}
              legend={(paper) => compareLegend(groups, marginInWords(terms.margin), paper)}
              data={() => Promise.resolve(compareData(groups, axis.value, asked))}
            />
          )}
        </div>
        {results ? (
          <Chart
            option={option}
            label={compareLabel(groups, measure)}
            className="tall"
            onPick={(key) => {
              const member = groups.find((group) => group.key === key)?.members[0];
              if (member) navigate(`/jobs/${member.job}`);
            }}
          />
        ) : (
          <p className="quiet pad">Results appear here as jobs succeed, group by group.</p>
        )}
        {results && (
          <div className="foot">
            <Legend groups={groups} terms={terms} bars={bars} />
            {far > 0 && (
              <p>
                {isNear ? `${several(far, "group")} far from exact ${far === 1 ? "is" : "are"} out of sight. ` : ""}
                <button className="link" onClick={() => setRange(isNear ? "all" : "near")}>
                  {isNear ? "Show all" : "Show only what is near exact"}
                </button>
              </p>
            )}
          </div>
        )}
      </section>
      <CompareTable groups={groups} terms={terms} margin={margin} />
    </article>
  );
}

/** Test accuracy; Test perplexity, lower is better. */
function axisLabel({ measure }: Terms): string {
  return `Test ${measure.noun}${measure.better === "lower" ? ", lower is better" : ""}`;
}

/** How much may be lost. What is typed goes to the service, which weighs the evidence by it. */
function MarginField({ terms, error }: { terms: Terms; error: string }) {
  const [typed, setTyped] = useParam("margin");
  const unit = terms.margin.is_relative ? "% of exact" : "points";
  return (
    <label className="pick margin">
      Margin, {unit}
      <input
        className="number"
        inputMode="decimal"
        size={6}
        autoComplete="off"
        value={typed}
        placeholder={String(terms.margin.value)}
        aria-invalid={error ? true : undefined}
        onChange={(event) => setTyped(event.target.value.trim() || null)}
      />
      {error && (
        <span className="field-error" role="alert">
          {error}
        </span>
      )}
    </label>
  );
}

interface AnswerProps {
  groups: readonly Group[];
  terms: Terms;
  saved: "compute" | "time";
}

/** The one sentence that a reader takes away, and below it how sure it is. */
function Answer({ groups, terms, saved }: AnswerProps) {
  const found = best(groups, terms.measure);
  const within = marginInWords(terms.margin);
  const what = saved === "time" ? "training time" : "work";
  if (found) {
    const said = headline(found, terms, saved);
    const others = equals(groups, found).map((group) => group.label);
    return (
      <h1 className="answer">
        <PolicyMark policy={found.policy} size={18} /> <b>{said.lead}</b> saves <b>{said.saves}</b> and stays within{" "}
        {within} of exact.{" "}
        <span className="answer-more">
          {said.cost}. {others.length > 0 && `${others.join(", ")}: as much saved, and within it too. `}
          {said.time && `It took ${said.time}.`}
        </span>
      </h1>
    );
  }
  if (!groups.some((group) => group.is_baseline)) {
    return <h1 className="answer">There is no exact job here to measure against: add one with the same settings.</h1>;
  }
  const close = nearest(groups, terms.measure);
  if (!close) {
    const isAny = groups.some((group) => group.evidence !== null && group.x.mean !== null);
    return <h1 className="answer">{isAny ? `No policy here saves ${what}.` : "Nothing to compare yet."}</h1>;
  }
  const said = headline(close, terms, saved);
  return (
    <h1 className="answer">
      No policy here is shown to stay within {within} of exact while it saves {what}.{" "}
      <span className="answer-more">
        Nearest: <PolicyMark policy={close.policy} size={14} /> <b>{said.lead}</b> saves <b>{said.saves}</b>, {said.cost}.{" "}
        {said.time && `It took ${said.time}.`}
      </span>
    </h1>
  );
}

const SIGNS: Partial<Record<Told["kind"], string>> = { within: "✓", worse: "✕", undecided: "?" };

/** Policy by policy: what is saved, and what that costs. */
function Answers({ groups, terms, saved }: AnswerProps) {
  const { measure, margin } = terms;
  const policies = answersOf(groups, terms);
  const exact = groups.find((group) => group.is_baseline)?.y.mean;
  if (!policies.some(({ answers }) => answers.some((one) => one.saves))) return null;
  return (
    <section className="card answers" aria-label="What each policy saves and costs">
      <p className="answers-head">
        What each policy <b>saves</b> of the {saved === "time" ? "training time" : "multiply-accumulates"}, and{" "}
        {typeof exact === "number" ? (
          <>
            <b>costs</b> in {measure.isShare ? `points of test ${measure.noun}` : `test ${measure.noun}`} (exact:{" "}
            {measured(measure, exact)})
          </>
        ) : (
          <>
            which test {measure.noun} it <b>reaches</b>
          </>
        )}
      </p>
      <ul>
        {policies.map(({ policy, answers, more }) => (
          <li key={policy} className="answers-of">
            <span className="with-mark">
              <PolicyMark policy={policy} /> <b className="cut">{policy}</b>
            </span>
            <ul>
              {answers.map((one) => (
                <li key={one.key} className={`answers-one ${one.kind}`} title={one.says}>
                  <span className="sign" role="img" aria-label={one.kind}>
                    {SIGNS[one.kind] ?? "·"}
                  </span>
                  <span>
                    {one.saves && <>{one.saves}, </>}
                    <b>{one.costs}</b> <span className="give">{one.give}</span>
                    {one.which && <span className="which">{one.which}</span>}
                  </span>
                </li>
              ))}
              {more > 0 && <li className="quiet">and {more} more below</li>}
            </ul>
          </li>
        ))}
      </ul>
      {typeof exact === "number" && (
        <p className="quiet answers-key">
          <span className="within">✓</span> within {marginInWords(margin)} of exact · <span className="worse">✕</span> worse by more ·{" "}
          <span className="undecided">?</span> not decided, by a 95{"\u202f"}% interval over seeds (±)
        </p>
      )}
    </section>
  );
}

function Legend({ groups, terms, bars }: { groups: readonly Group[]; terms: Terms; bars: Bars }) {
  const isExact = groups.some((group) => group.is_baseline);
  return (
    <ul className="legend">
      <li>
        <span className="key front" aria-hidden="true" /> Pareto front
      </li>
      {isExact && (
        <li>
          <span className="key band" aria-hidden="true" /> within {marginInWords(terms.margin)} of exact
        </li>
      )}
      <li>
        {isExact || bars === "spread" ? `${BARS_SAY[bars]} · ` : ""}pale: another group saves as much and costs less
      </li>
    </ul>
  );
}

function OnlyStudies() {
  return (
    <Empty title="These are studies">
      They measure the error of products and train nothing, so there is no accuracy to compare.{" "}
      <Link to="/study">See their errors</Link>.
    </Empty>
  );
}

function Nothing() {
  return (
    <Empty title="Nothing to compare yet">
      A comparison needs a sweep, or some jobs ticked at the left. <Link to="/new">Submit one</Link> with several seeds
      and an exact baseline, or run <code>make demo</code>: it trains four policies on real data in a minute.
    </Empty>
  );
}
