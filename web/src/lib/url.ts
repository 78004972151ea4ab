/* Where the reader is, kept in the address: a copied link opens the same view. */

import { useCallback, useSyncExternalStore } from "react";

const PAGES = ["compare", "curves", "table", "layers", "diff", "study", "queue", "workers", "tokens", "new"] as const;

export type Route =
  { page: (typeof PAGES)[number] } | { page: "job"; id: string } | { page: "unknown"; path: string };

export type Changes = Record<string, string | null | undefined>;

/** Read the page out of a path. */
export function routeOf(pathname: string): Route {
  const [first = "", second] = pathname.split("/").filter(Boolean);
  const page = PAGES.find((one) => one === (first || "compare"));
  if (page) return { page };
  const id = first === "jobs" && second ? decoded(second) : null;
  return id ? { page: "job", id } : { page: "unknown", path: pathname };
}

/** Null of what is no encoding of anything. */
function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** Write changes into a query; null and "" take a key away. */
export function withChanges(search: string, changes: Changes): string {
  const params = new URLSearchParams(search);
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) continue;
    if (value === null || value === "") params.delete(key);
    else params.set(key, value);
  }
  const text = params.toString().replaceAll("%2C", ",");
  return text ? `?${text}` : "";
}

const MOVED = "colrow:moved";

/** Go to a path; the query stays as it is but for the changes. */
export function navigate(path: string | null, changes: Changes = {}, how: "push" | "replace" = "push"): void {
  const url = (path ?? location.pathname) + withChanges(location.search, changes);
  if (url === location.pathname + location.search) return;
  if (how === "push") history.pushState(null, "", url);
  else history.replaceState(null, "", url);
  window.dispatchEvent(new Event(MOVED));
}

function subscribe(onChange: () => void): () => void {
  window.addEventListener(MOVED, onChange);
  window.addEventListener("popstate", onChange);
  return () => {
    window.removeEventListener(MOVED, onChange);
    window.removeEventListener("popstate", onChange);
  };
}

/** The path of the address, followed. */
export function usePath(): string {
  return useSyncExternalStore(subscribe, () => location.pathname);
}

/** The query of the address, followed. */
export function useSearch(): string {
  return useSyncExternalStore(subscribe, () => location.search);
}

interface Option<V> {
  value: V;
}

/** What of a few a text names; the default where it names none of them. */
export function choiceIn<V extends string>(text: string, options: readonly Option<V>[], otherwise: V): V {
  return options.find((one) => one.value === text)?.value ?? otherwise;
}

/** One key of the query that is one of a few. */
export function useChoice<V extends string>(
  name: string,
  options: readonly Option<V>[],
  otherwise: V,
): [V, (value: V) => void] {
  const [text, set] = useParam(name);
  return [choiceIn(text, options, otherwise), set];
}

/** One key of the query and how to change it. */
export function useParam(name: string, otherwise = ""): [string, (value: string | null) => void] {
  const value = useSyncExternalStore(subscribe, () => new URLSearchParams(location.search).get(name));
  const set = useCallback((next: string | null) => navigate(null, { [name]: next }, "replace"), [name]);
  return [value ?? otherwise, set];
}
