/* A value that follows another once it rests, so that not every key asks the service. */

import { useEffect, useState } from "react";

/** How long a search rests before the service is asked. */
export const SEARCH_RESTS_MS = 250;

export function useSlow<T>(value: T, rest_ms: number): T {
  const [slow, setSlow] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(value), rest_ms);
    return () => clearTimeout(timer);
  }, [value, rest_ms]);
  return slow;
}
