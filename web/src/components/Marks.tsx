/* Small signs: a policy's shape in its colour, a job's state, a bar of progress. */

import type { State } from "../api/client";
import { SHAPES, look } from "../lib/policies";
import type { Look } from "../lib/policies";

interface PolicyMarkProps {
  policy: string;
  size?: number;
  dash?: boolean;
  /** Of the line that it stands for (strengthOf); 1 where it speaks for the policy alone. */
  strength?: number;
}

export function PolicyMark({ policy, size = 12, dash = false, strength = 1 }: PolicyMarkProps) {
  const { colour, shape, dash: strokes } = look(policy);
  if (dash) {
    return (
      <svg className="mark" viewBox="0 0 28 12" width={28} height={12} aria-hidden="true">
        <path d="M1 6H27" strokeWidth="2.5" strokeDasharray={strokes.join(" ")} style={{ stroke: `var(${colour})` }} />
      </svg>
    );
  }
  return (
    <svg className="mark" viewBox="0 0 24 24" width={size} height={size} aria-hidden="true">
      <path d={SHAPES[shape]} style={{ fill: `var(${colour})`, opacity: strength }} />
    </svg>
  );
}

/** A line as a chart draws it: its dash, and its shape in the middle. */
export function LineMark({ look: { colour, shape, dash } }: { look: Look }) {
  const paint = `var(${colour})`;
  return (
    <svg className="mark" viewBox="0 0 44 12" width={44} height={12} aria-hidden="true">
      <path d="M1 6H43" strokeWidth="2" strokeDasharray={dash.join(" ")} style={{ stroke: paint }} />
      <path d={SHAPES[shape]} transform="translate(17 1) scale(.42)" style={{ fill: paint }} />
    </svg>
  );
}

const WISHES: Record<string, string> = { cancel: "cancel asked", pause: "pause asked", preempt: "gives way" };

/** A job's state; in brief, success goes without saying: a tick would seem to judge the result. */
export function StateBadge({ state, wish, brief = false }: { state: State; wish?: string | null; brief?: boolean }) {
  if (brief && state === "succeeded") {
    return (
      <span className="badge succeeded brief">
        <span className="visually-hidden">succeeded</span>
      </span>
    );
  }
  return <span className={`badge ${state}`}>{wish && state === "running" ? (WISHES[wish] ?? wish) : state}</span>;
}

export function ProgressBar({ done, label }: { done: number; label: string }) {
  const share = Math.max(0, Math.min(1, done));
  return (
    <div className="progress" role="progressbar" aria-label={label} aria-valuenow={Math.round(share * 100)}>
      <div style={{ width: `${share * 100}%` }} />
    </div>
  );
}
