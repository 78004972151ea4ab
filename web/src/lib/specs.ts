/* How a spec of any kind approximates: a training by its rules, a study by its method. */

import { leadingRule, policyOf, rulesInWords } from "./policies";
import type { RuleLike } from "./policies";

export interface SpecLike {
  approximation?: readonly RuleLike[];
  method?: { name: string };
  score?: string;
}

export interface How {
  /** The policy or method that speaks for the spec. */
  policy: string;
  /** The same with all that is set of it. */
  words: string;
  /** Of the forward product; 1 for what is exact, and for a study, which has many. */
  ratio: number;
}

/** What holds of a policy while nothing is said, and goes without saying. */
const DEFAULTS: Record<string, unknown> = { exploration: 0, refresh_every: 1 };

/** Say how a spec approximates, with the layers of its rules if asked; nothing is known of a spec that was left out
    of a list. */
export function how(spec: SpecLike | null | undefined, { layers = false } = {}): How {
  if (spec?.method) return { policy: spec.method.name, words: methodInWords(spec.method, spec.score), ratio: 1 };
  const rules = spec?.approximation;
  return {
    policy: policyOf(rules),
    words: rulesInWords(rules, { layers }),
    ratio: leadingRule(rules)?.forward ?? 1,
  };
}

/** Say several specs side by side: which layers only where the rest says the same of different rules. */
export function howApart(specs: readonly (SpecLike | null | undefined)[]): How[] {
  const said = specs.map((spec) => how(spec));
  const different = new Map<string, Set<string>>();
  specs.forEach((spec, i) => {
    const words = said[i]?.words ?? "";
    different.set(words, (different.get(words) ?? new Set()).add(JSON.stringify(spec?.approximation ?? null)));
  });
  return said.map((one, i) => ((different.get(one.words)?.size ?? 0) > 1 ? how(specs[i], { layers: true }) : one));
}

function methodInWords(method: { name: string }, score: string | undefined): string {
  const words = [method.name.replaceAll("_", " ")];
  for (const [key, value] of Object.entries(method)) {
    if (key === "name" || (value as unknown) === false || value === null || value === DEFAULTS[key]) continue;
    const said = key === "replacement" ? "with replacement" : key.replaceAll("_", " ");
    words.push((value as unknown) === true ? said : `${said} ${String(value)}`);
  }
  if (score === "optimal") words.push("optimal scores");
  return words.join(" · ");
}
