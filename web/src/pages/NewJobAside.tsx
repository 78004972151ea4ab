/* What stands beside the form for a job: broken packages, what a clone departs in, and the YAML. */

import { Suspense, lazy } from "react";

import type { Job } from "../api/client";
import { Flag } from "../components/Fields";
import { Link } from "../components/Link";
import { Boundary, Loading } from "../components/States";
import { departures } from "../lib/departures";
import type { Draft } from "../lib/draft";
import { several } from "../lib/format";
import { useParam } from "../lib/url";

const YamlPane = lazy(() => import("./YamlPane"));

/** Packages that are installed but of no use, so that nobody looks for what they offer in vain. */
export function Broken({ offers }: { offers: readonly string[] }) {
  return (
    <section className="banner bad" aria-label="Broken packages">
      <b>{several(offers.length, "offer")} of installed packages can't be used</b>
      <ul>
        {offers.map((offer) => (
          <li key={offer}>{offer}</li>
        ))}
      </ul>
    </section>
  );
}

/** In what a clone differs from the job that it began with. */
export function Departures({ original, begin, draft }: { original: Job; begin: Draft; draft: Draft }) {
  const found = departures(begin, draft);
  return (
    <section className="card block" aria-labelledby="departures" aria-live="polite">
      <h2 id="departures">Against the original</h2>
      <p className="quiet">
        A clone of <Link to={`/jobs/${original.id}`} changes={{ from: null, preset: null }}><bdi>{original.name || original.id}</bdi></Link>.{" "}
        {found.length === 0 ? "Nothing was changed yet." : `${several(found.length, "change")}:`}
      </p>
      {found.length > 0 && (
        <dl className="departures">
          {found.map(({ path, before, after }) => (
            <div key={path}>
              <dt>{path}</dt>
              <dd>
                <del>{before}</del> <span aria-hidden="true">→</span> <ins>{after}</ins>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}

/** The YAML beside the form, where the reader wants it. */
export function Beside({ draft, change }: { draft: Draft; change: (draft: Draft) => void }) {
  const [yaml, setYaml] = useParam("yaml");
  return (
    <section className="card block">
      <Flag label="as YAML" checked={yaml === "1"} onChange={(on) => setYaml(on ? "1" : null)} />
      {yaml === "1" && (
        <Boundary>
          <Suspense fallback={<Loading what="the YAML" />}>
            <YamlPane draft={draft} change={change} />
          </Suspense>
        </Boundary>
      )}
    </section>
  );
}
