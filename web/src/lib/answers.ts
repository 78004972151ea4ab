/* What each policy saves and what that costs, in a few words for each of its groups: the answer before the picture. */

import { percent } from "./format";
import { gain, measured, sizeIn } from "./measures";
import { inOrder } from "./policies";
import { verdict } from "./verdict";
import type { Judged, Terms, Verdict } from "./verdict";

/** Most groups of a policy that are told here; the table has them all. */
const MOST = 6;

interface Told extends Judged {
  key: string;
  policy: string;
}

export interface Answer {
  key: string;
  kind: Verdict["kind"];
  /** saves 40 % */
  saves: string;
  /** costs 0.43 */
  costs: string;
  /** ±0.31, and how many diverged; empty without either. */
  give: string;
  /** Which one it is, where another of the policy saves as much. */
  which: string;
  /** The whole verdict. */
  says: string;
}

export interface PolicyAnswers {
  policy: string;
  answers: Answer[];
  /** How many more groups the table has. */
  more: number;
}

/** What the groups of each policy but the baseline save and cost, the least saving first. */
export function answersOf(groups: readonly Told[], terms: Terms): PolicyAnswers[] {
  const others = groups.filter((group) => !group.is_baseline);
  return inOrder(others.map((group) => group.policy)).map((policy) => {
    const own = others
      .filter((group) => group.policy === policy)
      .sort((a, b) => (a.x.mean ?? Infinity) - (b.x.mean ?? Infinity));
    const all = own.map((group) => answerOf(group, terms));
    const answers = all.map((one, i) => ({
      ...one,
      which: all.some((other) => other !== one && other.saves === one.saves) ? (own[i]?.label ?? "") : "",
    }));
    return { policy, answers: answers.slice(0, MOST), more: Math.max(0, all.length - MOST) };
  });
}

function answerOf(group: Told, terms: Terms): Answer {
  const { kind, text } = verdict(group, terms);
  const found = group.evidence;
  const bounds = found && found.low !== null && found.high !== null ? (found.high - found.low) / 2 : null;
  return {
    key: group.key,
    kind,
    saves: savesInWords(group.x.mean),
    costs: group.y.mean === null ? text : costsInWords(group, terms),
    give: [bounds === null ? "" : `±${sizeIn(terms.measure, bounds)}`, found?.says.endsWith("diverged") ? found.says : ""]
      .filter(Boolean)
      .join(", "),
    which: "",
    says: text,
  };
}

/** saves 40 %; takes 12 % more where it is no saving. */
function savesInWords(saved: number | null): string {
  if (saved === null) return "";
  const whole = percent(Math.abs(saved), 0);
  if (whole === percent(0, 0)) return "saves nothing";
  return saved > 0 ? `saves ${whole}` : `takes ${whole} more`;
}

/** costs 0.43, gains 0.12, costs nothing; the value itself where there is no exact one beside it. */
function costsInWords({ y, evidence }: Told, { measure }: Terms): string {
  if (!evidence) return `reaches ${measured(measure, y.mean)}`;
  const size = sizeIn(measure, evidence.mean);
  if (Number(size) === 0) return "costs nothing";
  return `${gain(measure, evidence.mean) < 0 ? "costs" : "gains"} ${size}`;
}
