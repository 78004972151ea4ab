/* A difference to exact as a dot with its 95 % interval, what is lost at the left; the margin is a line. */

import { whisker } from "../lib/whisker";

const WIDTH = 104;
const HEIGHT = 16;

interface Props {
  /** Gains: below 0 something is lost. */
  mean: number;
  low: number | null;
  high: number | null;
  margin: number;
  reach: number;
  kind: string;
  label: string;
}

export function Whisker({ mean, low, high, margin, reach, kind, label }: Props) {
  const at = whisker({ mean, low, high, margin, reach }, WIDTH);
  const middle = HEIGHT / 2;
  return (
    <svg
      className={`whisker ${kind}`}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      role="img"
      aria-label={label}
    >
      <path className="allowed" d={`M${at.margin} 0H${WIDTH}V${HEIGHT}H${at.margin}z`} />
      <path className="zero" d={`M${at.zero} 0V${HEIGHT}`} />
      <path className="margin" d={`M${at.margin} 0V${HEIGHT}`} />
      {at.low !== null && at.high !== null && (
        <path className="bar" d={`M${at.low} ${middle}H${at.high}M${at.low} 4V12M${at.high} 4V12`} />
      )}
      {at.isOff ? (
        <path className="dot" d={`M2 ${middle}L9 3V13z`} />
      ) : (
        <circle className="dot" cx={at.mean} cy={middle} r="3.5" />
      )}
    </svg>
  );
}
