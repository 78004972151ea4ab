/* The ticked jobs side by side: only what differs, the base at the left. */

import { Fragment } from "react";

import type { Job } from "../api/client";
import { Failure } from "../api/client";
import { useCatalog, useEachJob } from "../api/queries";
import { Link } from "../components/Link";
import { PolicyMark, StateBadge } from "../components/Marks";
import { Empty, Failed, Loading } from "../components/States";
import { chosenIds } from "../lib/choice";
import { MOST, sectionsOf, withBase } from "../lib/diff";
import type { Section } from "../lib/diff";
import { goneInWords, several } from "../lib/format";
import { strengthOf } from "../lib/policies";
import { howApart } from "../lib/specs";
import { useParam } from "../lib/url";

export function DiffPage() {
  const [ticked] = useParam("jobs");
  const [asked, setBase] = useParam("base");
  const [equal, setEqual] = useParam("equal");
  const ids = chosenIds(ticked).slice(0, MOST);
  const left = chosenIds(ticked).length - ids.length;
  const found = useEachJob(ids);
  const catalog = useCatalog();

  if (ids.length < 2) return <TooFew n={ids.length} />;
  const broken = found.find(({ data, error }) => error && !data && !isGone(error));
  if (broken) return <Failed error={broken.error} onRetry={() => void broken.refetch()} />;
  if (catalog.isPending || found.some(({ isPending }) => isPending)) return <Loading what="the jobs" />;
  const there = found.flatMap(({ data, error }) => (data && !isGone(error) ? [data] : []));
  const gone = found.length - there.length;
  if (there.length < 2) return <TooFew n={there.length} gone={gone} />;

  // An exact job is what the others are read against, unless the reader says otherwise.
  const exact = there.find((job) => job.policy === "exact")?.id ?? there[0]?.id ?? "";
  const base = there.some((job) => job.id === asked) ? asked : exact;
  const order = withBase(there.map((job) => job.id), base);
  const jobs = order.flatMap((id) => there.find((job) => job.id === id) ?? []);
  const sections = sectionsOf(jobs, catalog.data?.metrics ?? []);
  const open = new Set(chosenIds(equal));
  const toggle = (title: string) => {
    const next = open.has(title) ? [...open].filter((one) => one !== title) : [...open, title];
    setEqual(next.join(",") || null);
  };
  const changed = sections.flatMap(({ rows }) => rows).filter((row) => !row.isEqual).length;
  return (
    <article className="page diff">
      <header className="page-head">
        <div>
          <p className="over">Ticked jobs, side by side</p>
          <h1>
            {several(jobs.length, "job")} differ in {several(changed, "row")}
          </h1>
        </div>
      </header>
      {gone > 0 && <p className="banner">{goneInWords(gone)}</p>}
      {left > 0 && (
        <p className="banner">
          These are the first {MOST} of {ids.length + left} ticked jobs: more do not fit side by side. Untick some at the
          left to see others.
        </p>
      )}
      <div className="card diff-box" tabIndex={0} role="region" aria-label="Jobs side by side">
        <table>
          <Heads jobs={jobs} onBase={setBase} />
          {sections.map((section) => (
            <Part
              key={section.title}
              section={section}
              width={jobs.length + 1}
              isOpen={open.has(section.title)}
              onToggle={() => toggle(section.title)}
            />
          ))}
        </table>
      </div>
      <p className="quiet foot">
        <span className="changed-mark" aria-hidden="true">
          ≠
        </span>{" "}
        other than the base. Results are the last values; beside them how far they are off the base.
      </p>
    </article>
  );
}

const isGone = (error: Error | null) => error instanceof Failure && error.status === 404;

function TooFew({ n, gone = 0 }: { n: number; gone?: number }) {
  if (gone > 0) {
    return (
      <Empty title="Ticked jobs are gone">
        {several(gone, "ticked job")} {gone === 1 ? "was" : "were"} deleted, so there is nothing to set side by side. Tick
        others at the left.
      </Empty>
    );
  }
  return (
    <Empty title={n === 0 ? "Tick jobs to see how they differ" : "Tick one more"}>
      {n === 1 && "One job is ticked. With another from the list at the left, what differs between them is shown here."}
      {n === 0 && (
        <>
          Tick 2 to {MOST} jobs in the list at the left: their specs, results and environments are set side by side here,
          and what is the same for all is left out. Where there are none yet, <Link to="/new">submit some</Link>.
        </>
      )}
    </Empty>
  );
}

function Heads({ jobs, onBase }: { jobs: readonly Job[]; onBase: (id: string) => void }) {
  const told = howApart(jobs.map((job) => job.spec));
  return (
    <thead>
      <tr>
        <td />
        {jobs.map((job, i) => {
          const { words = "", policy = "exact", ratio = 1 } = told[i] ?? {};
          return (
            <th key={job.id} scope="col" className={i === 0 ? "base" : ""}>
              <span className="with-mark">
                <PolicyMark policy={policy} strength={strengthOf(ratio)} />
                <Link to={`/jobs/${job.id}`} className="diff-name" title={words}>
                  {words}
                </Link>
              </span>
              <span className="diff-sub quiet">
                seed {job.seed} <StateBadge state={job.state} wish={job.wish} />
              </span>
              {job.name && !job.sweep_id && (
                <bdi className="diff-sub cut quiet" title={job.name}>
                  {job.name}
                </bdi>
              )}
              {i === 0 ? (
                <span className="diff-sub">base</span>
              ) : (
                <button className="link diff-sub" aria-label={`${words}, seed ${job.seed}: make it the base`} onClick={() => onBase(job.id)}>
                  make it the base
                </button>
              )}
            </th>
          );
        })}
      </tr>
    </thead>
  );
}

/** A path that may break after its dots. */
function Breakable({ text }: { text: string }) {
  return text.split(/(?<=\.)/).map((part, i) => (
    <Fragment key={i}>
      {i > 0 && <wbr />}
      {part}
    </Fragment>
  ));
}

interface PartProps {
  section: Section;
  width: number;
  isOpen: boolean;
  onToggle: () => void;
}

function Part({ section: { title, rows }, width, isOpen, onToggle }: PartProps) {
  const equal = rows.filter((row) => row.isEqual).length;
  const shown = isOpen ? rows : rows.filter((row) => !row.isEqual);
  return (
    <tbody>
      <tr className="diff-part">
        <th scope="rowgroup" colSpan={width}>
          <span className="diff-title">
            {title}
            {equal > 0 && (
              <span className="quiet">
                {several(equal, "equal row")}
                {", "}
                <button className="link" aria-expanded={isOpen} aria-label={`${isOpen ? "Hide" : "Show"} equal rows of ${title}`} onClick={onToggle}>
                  {isOpen ? "hide" : "show"}
                </button>
              </span>
            )}
          </span>
        </th>
      </tr>
      {shown.map((row) => (
        <tr key={row.name} className={row.isEqual ? "equal" : ""}>
          <th scope="row" title={row.label === row.name ? row.label : `${row.label} (${row.name})`}>
            <Breakable text={row.label} />
          </th>
          {row.cells.map((cell, i) => (
            <td key={i} className={`${i === 0 ? "base" : ""} ${cell.isChanged ? "changed" : ""}`} title={cell.text}>
              <span className="diff-cell">
                {cell.isChanged && (
                  <span className="changed-mark">
                    <span aria-hidden="true">≠</span>
                    <span className="visually-hidden">changed: </span>
                  </span>
                )}
                <bdi>{cell.text}</bdi>
                {cell.off && <span className="quiet">{cell.off}</span>}
              </span>
            </td>
          ))}
        </tr>
      ))}
    </tbody>
  );
}
