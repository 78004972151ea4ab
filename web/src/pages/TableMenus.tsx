/* What a table shows, and how it is taken away. */

import { useState } from "react";

import type { JobFilter } from "../api/queries";
import { Menu } from "../components/Menu";
import { DELTA, factColumns } from "../lib/columns";
import type { Terms } from "../lib/columns";
import { exportPath } from "../lib/exports";
import { save } from "../lib/save";

interface ColumnsProps {
  chosen: readonly string[];
  /** Whether nobody chose yet. */
  usual: boolean;
  terms: Terms;
  /** The paths of the specs; asked for only when the panel is opened. */
  paths: () => string[];
  /** Null goes back to the usual columns. */
  onChange: (ids: string[] | null) => void;
}

/** Choose columns: facts, metrics (and how far each is off exact), fields of the spec. */
export function Columns(props: ColumnsProps) {
  return (
    <Menu label="Columns">
      <Choice {...props} />
    </Menu>
  );
}

function Choice({ chosen, usual, terms, paths, onChange }: ColumnsProps) {
  const [text, setText] = useState("");
  const [there] = useState(paths);
  const fits = (...words: string[]) => words.some((word) => word.toLowerCase().includes(text.trim().toLowerCase()));
  const set = (id: string, isOn: boolean) => onChange(isOn ? [...chosen, id] : chosen.filter((one) => one !== id));
  const box = (id: string, label: string, name = label) => (
    <label className="check">
      <input type="checkbox" checked={chosen.includes(id)} aria-label={name} onChange={(event) => set(id, event.target.checked)} />
      <span className="cut" title={label}>
        {label}
      </span>
    </label>
  );
  const facts = factColumns(terms).filter(({ id, label }) => fits(id, label));
  const metrics = terms.facts.filter(({ name, label }) => name !== "planned_compute_reduction" && fits(name, label));
  const fields = there.filter((path) => path !== "seed" && fits(path));
  return (
    <div className="columns-panel">
      <div className="columns-find">
        <input
          type="search"
          aria-label="Find a column"
          placeholder="Find a column"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <button className="link" disabled={usual} onClick={() => onChange(null)}>
          Usual columns
        </button>
      </div>
      {facts.length + metrics.length + fields.length === 0 && <p className="quiet">No column is called so.</p>}
      {facts.length > 0 && (
        <fieldset>
          <legend>Job</legend>
          <ul className="columns-two">
            {facts.map(({ id, label }) => (
              <li key={id}>{box(id, label)}</li>
            ))}
          </ul>
        </fieldset>
      )}
      {metrics.length > 0 && (
        <fieldset>
          <legend>Results, and Δ to exact</legend>
          <ul>
            {metrics.map(({ name, label }) => (
              <li key={name} className="columns-metric">
                {box(name, label)}
                {box(`${DELTA}${name}`, "Δ", `${label}, difference to exact`)}
              </li>
            ))}
          </ul>
        </fieldset>
      )}
      {fields.length > 0 && (
        <fieldset>
          <legend>Spec</legend>
          <ul>
            {fields.map((path) => (
              <li key={path}>{box(path, path)}</li>
            ))}
          </ul>
        </fieldset>
      )}
    </div>
  );
}

interface ExportsProps {
  filter: JobFilter;
  /** What is shown, as CSV. */
  csv: () => string;
}

/** Take away everything, never reduced, or just what is shown. */
export function Exports({ filter, csv }: ExportsProps) {
  const [said, setSaid] = useState("");
  const copy = async () => {
    const text = csv();
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied.");
    } catch {
      // Without https a browser may give no clipboard; a file does as well.
      save(text, "colrow-table.csv", "text/csv");
      setSaid("The clipboard is closed here, so it was saved as a file.");
    }
  };
  return (
    <Menu label="Export">
      <ul className="exports">
        <li>
          <a href={exportPath(filter, "jobs")} download>
            Jobs, whole (CSV)
          </a>
          <span className="quiet">a line per job: spec, last, best and at best validation</span>
        </li>
        <li>
          <a href={exportPath(filter, "points")} download>
            Every point of every curve (CSV)
          </a>
          <span className="quiet">never reduced; may be large</span>
        </li>
        <li>
          <button className="link" onClick={() => void copy()}>
            Copy the shown table as CSV
          </button>
          <span className="quiet" role="status">
            {said || "these rows and columns, numbers in full"}
          </span>
        </li>
      </ul>
    </Menu>
  );
}
