/* Numbers and times as a person reads them. A missing value is an en dash. */

const NONE = "–";
/** What was reported and is no number, or infinite: the service keeps that it was so, not which of the two. */
export const NOT_FINITE = "not finite";
const NARROW = "\u202f";

const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

type Value = number | null | undefined;

const isNumber = (value: Value): value is number => typeof value === "number" && Number.isFinite(value);

/** 1234567 -> 1,234,567. */
export function count(value: Value): string {
  return isNumber(value) ? grouped.format(value) : NONE;
}

/** 0.6123 -> 61.2 %. */
export function percent(value: Value, digits = 1): string {
  return isNumber(value) ? `${plain(value * 100, digits)}${NARROW}%` : NONE;
}

/** A ratio as short as it can be said: 0.4 -> 40 %, 0.125 -> 12.5 %. */
export function share(value: Value): string {
  return isNumber(value) ? `${Number((value * 100).toPrecision(3))}${NARROW}%` : NONE;
}

/** A number with a fixed count of digits and a real minus sign. */
export function plain(value: Value, digits = 2): string {
  return isNumber(value)
    ? value
        .toFixed(digits)
        .replace(/^-(?=0\.?0*$)/, "")
        .replace("-", "−")
    : NONE;
}

/** A difference, always with its sign: -0.0006 -> −0.06 (in hundredths). */
export function points(value: Value, digits = 2): string {
  if (!isNumber(value)) return NONE;
  const text = plain(value * 100, digits);
  return text.startsWith("−") || Number(text) === 0 ? text : `+${text}`;
}

/** How many times as much: 1.117 -> 1.12 ×. */
export function times(value: Value): string {
  return isNumber(value) ? `${plain(value, 2)}${NARROW}×` : NONE;
}

/** Significant digits for any metric, large or small. */
export function metric(value: Value): string {
  if (!isNumber(value)) return NONE;
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2).replace("-", "−").replace("e+", "e");
  if (size >= 1000) return grouped.format(value);
  return String(Number(value.toPrecision(4))).replace("-", "−");
}

/** 12400000000 -> 12.4 G. */
export function large(value: Value): string {
  if (!isNumber(value)) return NONE;
  const units = ["", "k", "M", "G", "T", "P", "E"];
  let scaled = value;
  let unit = 0;
  while (Math.abs(scaled) >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  return unit === 0 ? grouped.format(value) : `${Number(scaled.toPrecision(3))}${NARROW}${units[unit]}`;
}

/** 3671 -> 1 h 01 min. */
export function duration(seconds: Value): string {
  if (!isNumber(seconds) || seconds < 0) return NONE;
  if (seconds < 10) return `${plain(seconds, 1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, "0")} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** How long ago a time of the server was. */
export function ago(time: string | null | undefined, now: number = Date.now()): string {
  if (!time) return NONE;
  const seconds = (now - Date.parse(time)) / 1000;
  if (!Number.isFinite(seconds)) return NONE;
  if (seconds < 5) return "just now";
  if (seconds < 90) return `${Math.round(seconds)} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} days ago`;
}

/** About how long until a time of the server; null: nobody can tell. */
export function soon(time: string | null | undefined, now: number = Date.now()): string {
  const seconds = time ? (Date.parse(time) - now) / 1000 : NaN;
  if (!Number.isFinite(seconds)) return "unknown";
  if (seconds < 30) return "any moment";
  if (seconds < 90) return "in a minute";
  if (seconds < 5400) return `in ${Math.round(seconds / 60)} min`;
  if (seconds < 129_600) return `in ${Math.round(seconds / 3600)} h`;
  return `in ${Math.round(seconds / 86_400)} days`;
}

/** 3 and "seed" -> 3 seeds. */
export function several(n: number, noun: string): string {
  return `${count(n)} ${noun}${n === 1 ? "" : "s"}`;
}

/** How many of the ticked jobs were deleted meanwhile. */
export function goneInWords(n: number): string {
  return `${several(n, "ticked job")} ${n === 1 ? "is" : "are"} not there any more.`;
}

/** A name whose direction of writing leaves the text around it alone, where no <bdi> can be. Latin letters need no care. */
export function isolated(name: string): string {
  return /[^\0-\u02ff]/.test(name) ? `\u2068${name}\u2069` : name;
}

/** 12582912 -> 12 MiB. */
export function bytes(value: Value): string {
  if (!isNumber(value)) return NONE;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let scaled = value;
  let unit = 0;
  while (scaled >= 1000 && unit < units.length - 1) {
    scaled /= 1024;
    unit += 1;
  }
  return `${Number(scaled.toPrecision(3))} ${units[unit]}`;
}

/** Mean, spread and count: 97.42 ± 0.12 (3), in hundredths. */
export function spread(value: { mean: Value; std?: Value; n: number } | null | undefined, digits = 2): string {
  if (!value || !isNumber(value.mean)) return NONE;
  const std = value.n > 1 && isNumber(value.std) ? ` ± ${plain(value.std * 100, digits)}` : "";
  return `${plain(value.mean * 100, digits)}${std} (${value.n})`;
}
