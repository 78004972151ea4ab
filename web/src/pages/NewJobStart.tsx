/* Where the form for a job begins: its kind, and a preset or the clone of a job. */

import type { Catalog } from "../api/client";
import { Field } from "../components/Fields";
import { Switch } from "../components/Switch";
import { BLANK, BLANK_STUDY, draftOf, isSame, isStudyDraft } from "../lib/draft";
import type { Draft, Spec } from "../lib/draft";
import { grouped } from "../lib/presets";
import { useParam } from "../lib/url";

/** Stands for what the form begins with; no preset is called so. */
const BEGINNING = "-";
const KINDS = [
  { value: "training", label: "Training" },
  { value: "study", label: "Study" },
] as const;

/** A preset, or what the form begins with. */
export function Start({
  catalog,
  begin,
  draft,
  change,
}: {
  catalog: Catalog;
  /** The clone that the form began with. */
  begin: Draft | null;
  draft: Draft;
  change: (draft: Draft) => void;
}) {
  const [preset, setPreset] = useParam("preset");
  const studies = isStudyDraft(draft);
  const blank = begin ?? (studies ? BLANK_STUDY : BLANK);
  const draftFrom = (one: Catalog["presets"][number]) => draftOf(one.spec as unknown as Spec, one.title);
  const offered = catalog.presets.filter((one) => (one.spec.kind === "matmul_error") === studies);
  // A preset that was changed is that preset no more.
  const fits = offered.filter((one) => isSame(draftFrom(one).spec, draft.spec));
  const chosen = fits.find((one) => one.name === preset) ?? fits[0];
  const value = chosen ? chosen.name : isSame(blank.spec, draft.spec) ? BEGINNING : "";
  const choose = (name: string) => {
    const found = offered.find((one) => one.name === name);
    change(found ? draftFrom(found) : blank);
    setPreset(found ? name : null);
  };
  return (
    <section className="card block">
      <h2>Start from</h2>
      <div className="fields">
        <Switch
          legend="Kind"
          name="kind"
          options={KINDS}
          value={studies ? "study" : "training"}
          onChange={(kind) => {
            setPreset(null);
            change(kind === "study" ? BLANK_STUDY : BLANK);
          }}
        />
        <Field label="Preset" wide>
          {(id) => (
            <select id={id} value={value} onChange={(event) => choose(event.target.value)}>
              {value === "" && <option value="">none</option>}
              <option value={BEGINNING}>{begin ? "a clone" : studies ? "100 × 100, a small start" : "digits, a small start"}</option>
              {grouped(offered).map(([title, presets]) => (
                <optgroup key={title} label={title}>
                  {presets.map((one) => (
                    <option key={one.name} value={one.name}>
                      {one.title}
                    </option>
                  ))}
                </optgroup>
              ))}
            </select>
          )}
        </Field>
        {chosen && <p className="quiet hint">{chosen.summary}</p>}
      </div>
    </section>
  );
}
