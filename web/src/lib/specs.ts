/* How a spec of any kind approximates: a training by its rules, a study by its method. */

import { leadingRule, policyOf, ruleInWords } from "./policies";
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

/** Say how a spec approximates; nothing is known of a spec that was left out of a list. */
export function how(spec: SpecLike | null | undefined): How {
  if (spec?.method) return { policy: spec.method.name, words: methodInWords(spec.method, spec.score), ratio: 1 };
  const rule = leadingRule(spec?.approximation);
  return { policy: policyOf(spec?.approximation), words: ruleInWords(rule), ratio: rule?.forward ?? 1 };
}

function methodInWords(method: { name: string }, score: string | undefined): string {
  const words = [method.name.replaceAll("_", " ")];
  for (const [key, value] of Object.entries(method)) {
    if (key === "name" || (value as unknown) === false || value === null) continue;
    const said = key === "replacement" ? "with replacement" : key.replaceAll("_", " ");
    words.push((value as unknown) === true ? said : `${said} ${String(value)}`);
  }
  if (score === "optimal") words.push("optimal scores");
  return words.join(" · ");
}
