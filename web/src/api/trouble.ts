/* Why something on screen can't be read just now. */

import { useQueryClient } from "@tanstack/react-query";
import type { Query } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";

import { Failure, isPassing } from "./client";

/** The reason of the first such question; null while all is well. */
export function useTrouble(): Failure | null {
  const queries = useQueryClient().getQueryCache();
  return useSyncExternalStore(
    (watcher) => queries.subscribe(watcher),
    () =>
      queries
        .findAll({ type: "active" })
        .map(troubleOf)
        .find((one) => one !== null) ?? null,
  );
}

/** Why it is asked again and again, or why what it answered before could not be read anew. */
function troubleOf({ state: { data, error, fetchFailureReason } }: Query): Failure | null {
  if (isPassing(fetchFailureReason)) return fetchFailureReason;
  // Where nothing was read before, the failure itself stands in its place.
  return data !== undefined && error instanceof Failure && error.status >= 500 ? error : null;
}
