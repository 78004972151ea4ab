/* Why something on screen can't be read just now, though it is asked for again and again. */

import { useQueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";

import { isPassing } from "./client";
import type { Failure } from "./client";

/** The reason of the first such question; null while all is well. */
export function useTrouble(): Failure | null {
  const queries = useQueryClient().getQueryCache();
  return useSyncExternalStore(
    (watcher) => queries.subscribe(watcher),
    () =>
      queries
        .findAll({ type: "active" })
        .map((query) => query.state.fetchFailureReason)
        .find(isPassing) ?? null,
  );
}
