/* Labels of groups without what they all say. */

/** Take `key=value` parts that every label has away from each: `topk 40 %, hidden=[300, 300]` -> `topk 40 %`. */
export function withoutShared(labels: readonly string[]): string[] {
  const split = labels.map((label) => label.split(/, (?=[\w.]+=)/));
  const [first = []] = split;
  const shared = new Set(
    labels.length > 1 ? first.slice(1).filter((part) => split.every((parts) => parts.slice(1).includes(part))) : [],
  );
  return split.map(([head = "", ...parts]) => [head, ...parts.filter((part) => !shared.has(part))].join(", "));
}
