/* A spec as YAML and back. Loaded only where the YAML is opened. */

import { parseDocument, stringify } from "yaml";

import { named, put } from "./draft";
import type { Json, Spec } from "./draft";

export type Read = { spec: Spec; problem: null } | { spec: null; problem: string };

/** The seed is left out: seeds have a field of their own. */
export function asYaml(spec: Spec): string {
  return stringify(put(spec, "seed", undefined), { lineWidth: 0 });
}

/** What a document says; undefined where that has no end, by way of its aliases. */
function valueOf(document: { toJS: () => unknown }): Json | undefined {
  try {
    return JSON.parse(JSON.stringify(document.toJS() ?? null)) as Json;
  } catch {
    return undefined;
  }
}

/** Read a spec, or say where the text is no YAML. Whether the spec is right, the service says. */
export function readYaml(text: string): Read {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) {
    const [{ line = 0 } = {}] = error.linePos ?? [];
    const [said = ""] = error.message.split(/ at line |:?\n/);
    return { spec: null, problem: `line ${line}: ${said}` };
  }
  const value = valueOf(document);
  if (value === undefined) return { spec: null, problem: "an alias stands for itself, or there are too many of them" };
  if (value === null || typeof value !== "object" || Array.isArray(value))
    return { spec: null, problem: "a spec is a mapping: model, dataset, training and more, each with its colon" };
  return { spec: named(value), problem: null };
}
