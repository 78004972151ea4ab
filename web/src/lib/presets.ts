/* Presets as a list that one finds one's way in. */

/** Put those side by side that share the words before the first comma of their titles, in the order of the first. */
export function grouped<P extends { title: string }>(presets: readonly P[]): [title: string, presets: P[]][] {
  const groups = new Map<string, P[]>();
  for (const one of presets) {
    const title = one.title.split(",", 1)[0] ?? one.title;
    groups.set(title, [...(groups.get(title) ?? []), one]);
  }
  return [...groups];
}
