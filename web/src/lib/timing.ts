/* Which measured times can be set side by side, in words. The service says what speaks against it. */

import { times } from "./format";

const ANOTHER = "another device";
const MARK = "†";
const SAYS: Record<string, string> = {
  "shared host": "other attempts ran on the same host at the same time",
  "shared device": "other attempts ran on the same device at the same time",
  "several devices": "the attempts of a job ran on several kinds of device",
  [ANOTHER]: "no job ran on the kind of device that an exact one ran on",
  "not recorded": "whether others ran beside it was not recorded",
};

interface TimedGroup {
  seconds_ratio: number | null;
  time_caveat: string | null;
}

interface TimedJob {
  device: string | null;
  time_caveat: string | null;
}

/** 1.12 ×, with a mark where it is no measure. */
export function timeRatio({ seconds_ratio, time_caveat }: TimedGroup): string {
  return marked(times(seconds_ratio), time_caveat);
}

/** 1.12 × the time of exact, with what speaks against it; empty where there is no such number. */
export function timeInWords({ seconds_ratio, time_caveat }: TimedGroup): string {
  if (seconds_ratio === null) return "";
  return `${times(seconds_ratio)} the time of exact${time_caveat ? ` (no measure: ${time_caveat})` : ""}`;
}

export function marked(text: string, caveat: string | null): string {
  return caveat ? `${text} ${MARK}` : text;
}

/** Why the times of these jobs can't be set side by side, where they can't. Jobs that never ran count for nothing. */
export function caveatOf(jobs: readonly TimedJob[]): string | null {
  const own = jobs.find((job) => job.time_caveat !== null)?.time_caveat ?? null;
  const devices = new Set(jobs.flatMap((job) => job.device ?? []));
  return own ?? (devices.size > 1 ? ANOTHER : null);
}

/** What the marks are for, in a line; empty where there are none. */
export function footnote(caveats: readonly (string | null)[]): string {
  const told = [...new Set(caveats.filter((caveat) => caveat !== null))].map((caveat) =>
    SAYS[caveat] ? `${caveat} (${SAYS[caveat]})` : caveat,
  );
  return told.length ? `${MARK} no measure of time: ${told.join("; ")}` : "";
}
