/* A value that follows another once it rests, so that not every key asks the service. */

import { useEffect, useState } from "react";

export function useSlow<T>(value: T, rest_ms: number): T {
  const [slow, setSlow] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(value), rest_ms);
    return () => clearTimeout(timer);
  }, [value, rest_ms]);
  return slow;
}
