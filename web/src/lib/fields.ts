/* Specs by path, as the service writes them: `training.optimizer.lr`. Pure. */

export type Flat = ReadonlyMap<string, unknown>;

/** Give what stands at every path. A list is opened only where mappings are in it. */
export function flatten(value: unknown, path = "", found = new Map<string, unknown>()): Map<string, unknown> {
  const isList = Array.isArray(value);
  const opens = isList ? value.some(isMapping) : isMapping(value);
  if (!opens) return found.set(path, value);
  for (const [key, inside] of Object.entries(value as object)) flatten(inside, path ? `${path}.${key}` : key, found);
  return found;
}

function isMapping(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const known = new WeakMap<object, Flat>();

/** The same of a spec that does not change; worked out once for each. */
export function fieldsOf(spec: object | null | undefined): Flat {
  if (!spec) return new Map();
  let flat = known.get(spec);
  if (!flat) known.set(spec, (flat = flatten(spec)));
  return flat;
}

/** Every path that one of the specs has, what belongs together side by side. An empty list that others have something
    in is no path of its own. */
export function pathsAmong(specs: readonly (object | null | undefined)[]): string[] {
  const paths = [...new Set(specs.flatMap((spec) => [...fieldsOf(spec).keys()]))];
  const opened = new Set(paths.flatMap((path) => path.split(".").map((_, i, words) => words.slice(0, i).join("."))));
  const heads = new Map<string, string[]>();
  for (const path of paths) {
    const [head = ""] = path.split(".");
    heads.set(head, [...(heads.get(head) ?? []), ...(opened.has(path) ? [] : [path])]);
  }
  return [...heads.values()].flat();
}

/** A value of a spec in words: what is left empty is an en dash. */
export function fieldInWords(value: unknown): string {
  if (value === undefined || value === null) return "–";
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value).replace("-", "−");
  if (Array.isArray(value)) return value.length ? value.map(fieldInWords).join(", ") : "none";
  return typeof value === "boolean" ? (value ? "yes" : "no") : JSON.stringify(value);
}
