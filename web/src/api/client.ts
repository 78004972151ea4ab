/* The one place that talks to the service. Types come from its OpenAPI document (schema.d.ts, generated). */

import createClient from "openapi-fetch";

import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type JobItem = Schemas["JobItem"];
export type Job = Schemas["Job"];
export type Group = Schemas["Group"];
export type Comparison = Schemas["Comparison"];
export type Curve = Schemas["Curve"];
export type Sweep = Schemas["Sweep"];
export type Catalog = Schemas["Catalog"];
export type Plan = Schemas["Plan"];
export type LayerState = Schemas["LayerState"];
export type State = JobItem["state"];

export const client = createClient<paths>({ baseUrl: "/" });

/** What went wrong, in the service's own words (RFC 9457), or that it does not answer at all. */
export class Failure extends Error {
  readonly status: number;
  readonly title: string;
  readonly errors: { loc: string; msg: string }[];

  constructor(status: number, title: string, detail: string, errors: { loc: string; msg: string }[] = []) {
    super(detail);
    this.status = status;
    this.title = title;
    this.errors = errors;
  }
}

/** The service does not answer, or asks to be asked later: the same question may do in a while. */
export function isPassing(error: unknown): error is Failure {
  return error instanceof Failure && [0, 429, 502, 503, 504].includes(error.status);
}

/** What was asked for is not there, or not any more. */
export function isGone(error: unknown): boolean {
  return error instanceof Failure && error.status === 404;
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Give the answer's data, or throw a Failure. */
export async function take<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch {
    throw new Failure(0, "No answer", "The service does not answer. Is `colrow up` still running?");
  }
  if (answer.response.ok) return answer.data as T;
  throw asFailure(answer.error, answer.response.status);
}

function asFailure(error: unknown, status: number): Failure {
  const problem = (error ?? {}) as { title?: string; detail?: string; errors?: { loc: string; msg: string }[] | null };
  return new Failure(
    status,
    problem.title ?? `Status ${status}`,
    problem.detail ??
      (status >= 502 ? "A proxy answers, and the service behind it does not." : "The service refused without saying why."),
    problem.errors ?? [],
  );
}

/** What the service found wrong, by path of the spec or name of the field; "" where it belongs to none. */
export function errorsOf(error: unknown): { loc: string; msg: string }[] {
  if (error === null) return [];
  if (!(error instanceof Failure)) return [{ loc: "", msg: String(error) }];
  if (error.errors.length === 0) return [{ loc: "", msg: error.message }];
  return error.errors.map(({ loc, msg }) => ({
    loc: loc.replace(/^(spec|base|body)(\.|$)/, "").replace(/^variants\.\d+\./, ""),
    msg,
  }));
}
