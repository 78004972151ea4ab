/* Curves with every point, for files: no cache keeps them. */

import { client, take } from "./client";
import type { Curve } from "./client";

/** Curves of some jobs, a list for each metric. */
export async function allPoints(jobs: string[], metrics: string[]): Promise<Curve[][]> {
  const { items } = await take(client.GET("/api/v1/curves", { params: { query: { job: jobs, metric: metrics } } }));
  return metrics.map((metric) => items.filter((curve) => curve.metric === metric));
}
