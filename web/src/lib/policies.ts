/* How a policy looks: one colour, one shape and one dash, the same on every page and in every chart. */

export type Shape = "circle" | "triangle" | "square" | "diamond" | "cross" | "hexagon" | "down" | "star";

export interface Look {
  /** Name of the custom property in styles/tokens.css that holds the colour. */
  colour: string;
  shape: Shape;
  /** Lengths of strokes and gaps in pixels; empty for a solid line. */
  dash: number[];
}

const LOOKS: Record<string, Look> = {
  exact: { colour: "--policy-exact", shape: "cross", dash: [] },
  topk: { colour: "--policy-topk", shape: "circle", dash: [] },
  nps: { colour: "--policy-nps", shape: "triangle", dash: [7, 4] },
  uniform: { colour: "--policy-uniform", shape: "square", dash: [2, 3] },
  bernoulli: { colour: "--policy-bernoulli", shape: "diamond", dash: [9, 3, 2, 3] },
  wta: { colour: "--policy-wta", shape: "star", dash: [1, 3] },
  meprop: { colour: "--policy-meprop", shape: "down", dash: [4, 2] },
  random_projection: { colour: "--method-projection", shape: "square", dash: [6, 3, 1, 3] },
  svd: { colour: "--method-svd", shape: "star", dash: [10, 4] },
  count_sketch: { colour: "--method-sketch", shape: "diamond", dash: [3, 3] },
  random_walk: { colour: "--method-walk", shape: "down", dash: [1, 4] },
};
const OTHER: Look = { colour: "--policy-other", shape: "hexagon", dash: [12, 5] };

/** The look of a policy; one that is not known yet has a look of its own. */
export function look(policy: string): Look {
  return LOOKS[policy] ?? OTHER;
}

/** How strong a line and its mark are: paler by a fifth each time that half as many pairs are kept. */
export function strengthOf(ratio: number): number {
  return Math.min(1, Math.max(0.4, 1 + 0.2 * Math.log2(Math.max(ratio, 1e-6))));
}

/** Dashes of a policy's further variants in one picture; its first is drawn solid. */
const VARIANTS = [[10, 4], [9, 3, 2, 3], [5, 3], [14, 4, 4, 4]];

/** The look of one of several variants of a policy in one picture: its colour, with a shape and a dash of its own. */
export function variantLook(policy: string, variant: number): Look {
  const { colour, shape } = look(policy);
  const shapes = Object.keys(SHAPES) as Shape[];
  return {
    colour,
    shape: shapes[(shapes.indexOf(shape) + variant) % shapes.length] ?? shape,
    dash: variant === 0 ? [] : (VARIANTS[(variant - 1) % VARIANTS.length] ?? []),
  };
}

/** Which variant of its policy each is: 0 for the first, 1 for the next of the same policy. */
export function variantsAmong(policies: readonly string[]): number[] {
  return policies.map((policy, i) => policies.slice(0, i).filter((one) => one === policy).length);
}

/** Policies in the order of legends. */
export function inOrder(policies: Iterable<string>): string[] {
  const order = Object.keys(LOOKS);
  const rank = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  return [...new Set(policies)].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
}

/** Path of a shape in a 24 x 24 box: for marks in the page (SVG) and in charts alike. */
export const SHAPES: Record<Shape, string> = {
  circle: "M12 2.5a9.5 9.5 0 1 1 0 19a9.5 9.5 0 1 1 0-19z",
  triangle: "M12 2L22.5 20.5L1.5 20.5z",
  square: "M3.5 3.5H20.5V20.5H3.5z",
  diamond: "M12 .8L23.2 12L12 23.2L.8 12z",
  cross: "M9 2H15V9H22V15H15V22H9V15H2V9H9z",
  down: "M12 22L1.5 3.5L22.5 3.5z",
  star: "M12 1L15 8.7L23.3 9.2L16.9 14.4L19 22.5L12 18L5 22.5L7.1 14.4L.7 9.2L9 8.7z",
  hexagon: "M12 1.5L21.5 7V17L12 22.5L2.5 17V7z",
};

export interface PolicyLike {
  name: string;
  replacement?: boolean;
  scaled?: boolean;
  exploration?: number;
  refresh_every?: number;
  coverage?: number | null;
}

export interface RuleLike {
  layers?: string;
  gates?: readonly string[] | null;
  mode?: "both" | "backward_only";
  policy: PolicyLike | string;
  forward?: number;
  backward?: number;
  min_samples?: number;
  schedule?: ScheduleLike | null;
}

export interface ScheduleLike {
  shape?: string;
  start?: number;
  exact_first_steps?: number;
  exact_last?: number;
}

/** The policy that speaks for a spec: that of its first rule that samples. */
export function policyOf(approximation: readonly RuleLike[] | null | undefined): string {
  for (const rule of approximation ?? []) {
    const name = nameOf(rule);
    if (name !== "exact") return name;
  }
  return "exact";
}

/** The rule behind `policyOf`, or null for an exact spec. */
export function leadingRule(approximation: readonly RuleLike[] | null | undefined): RuleLike | null {
  return approximation?.find((rule) => nameOf(rule) !== "exact") ?? null;
}

/** Say a rule in a few words: `topk 40 % · backward 5 %`. */
export function ruleInWords(rule: RuleLike | null): string {
  if (!rule) return "exact";
  const policy: PolicyLike = typeof rule.policy === "string" ? { name: rule.policy } : rule.policy;
  const isBackwardOnly = rule.mode === "backward_only" || policy.name === "meprop";
  if (policy.name === "exact") return "exact";
  const parts = [isBackwardOnly ? policy.name : `${policy.name} ${short(rule.forward ?? 1)}`];
  const isChoice = isBackwardOnly && policy.name !== "meprop";
  if (isChoice) parts.push(`backward only ${short(rule.backward ?? 1)}`);
  else if ((rule.backward ?? 1) < 1) parts.push(`backward ${short(rule.backward ?? 1)}`);
  if (policy.replacement) parts.push("with replacement");
  if (policy.scaled) parts.push("scaled");
  if (policy.exploration) parts.push(`exploration ${short(policy.exploration)}`);
  if (policy.coverage) parts.push(`coverage ${short(policy.coverage)}`);
  if (policy.refresh_every && policy.refresh_every > 1) parts.push(`refreshed every ${policy.refresh_every}`);
  if (rule.schedule) parts.push(...scheduleInWords(rule.schedule));
  if (rule.gates?.length) parts.push(`${rule.gates.length === 1 ? "gate" : "gates"} ${rule.gates.join(", ")}`);
  return parts.join(" · ");
}

/** Say all rules of a spec: which layers only where several rules sample, or where `layers` asks for them. */
export function rulesInWords(rules: readonly RuleLike[] | null | undefined, { layers = false } = {}): string {
  const sampling = rules?.filter((rule) => nameOf(rule) !== "exact") ?? [];
  const [only] = sampling;
  if (!only) return "exact";
  if (sampling.length === 1 && !layers) return ruleInWords(only);
  return (rules ?? [])
    .map((rule) => (rule.layers && rule.layers !== "*" ? `${ruleInWords(rule)} on ${rule.layers}` : ruleInWords(rule)))
    .join(" + ");
}

function scheduleInWords({ shape, start, exact_first_steps, exact_last }: ScheduleLike): string[] {
  const parts: string[] = [];
  if (shape && shape !== "constant") parts.push(`${shape} from ${short(start ?? 1)}`);
  if (exact_first_steps) parts.push(`exact for ${exact_first_steps} steps`);
  if (exact_last) parts.push(`exact for the last ${short(exact_last)}`);
  return parts;
}

function nameOf(rule: RuleLike): string {
  return typeof rule.policy === "string" ? rule.policy : rule.policy.name;
}

function short(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(3))}\u202f%`;
}
