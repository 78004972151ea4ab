/* The spec as text beside the form: either edits the other. */

import { useId, useState } from "react";

import type { Draft, Spec } from "../lib/draft";
import { asYaml, readYaml } from "../lib/yaml";

interface Typed {
  text: string;
  /** The spec that the text stands for; once the form has another, the text is written anew. */
  spec: Spec;
  problem: string | null;
}

export default function YamlPane({ draft, change }: { draft: Draft; change: (draft: Draft) => void }) {
  const [typed, setTyped] = useState<Typed | null>(null);
  const id = useId();
  const own = typed && typed.spec === draft.spec ? typed : null;
  const text = own?.text ?? asYaml(draft.spec);

  const write = (next: string) => {
    const { spec: read, problem } = readYaml(next);
    if (read === null) return setTyped({ text: next, spec: draft.spec, problem });
    const { seed, ...rest } = read;
    const spec = { ...rest, seed: draft.spec.seed ?? 0 };
    setTyped({ text: next, spec, problem: null });
    change({ ...draft, spec, texts: {}, seeds: seed === undefined ? draft.seeds : String(seed) });
  };

  return (
    <>
      <label className="visually-hidden" htmlFor={id}>
        Spec as YAML
      </label>
      <textarea
        id={id}
        className="code yaml"
        spellCheck={false}
        autoComplete="off"
        rows={Math.min(40, Math.max(10, text.split("\n").length))}
        value={text}
        aria-invalid={own?.problem ? true : undefined}
        onChange={(event) => write(event.target.value)}
      />
      {own?.problem && (
        <p className="field-error" role="alert">
          {own.problem}
        </p>
      )}
    </>
  );
}
