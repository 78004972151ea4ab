/* What the pages read and change. Events make what they touch stale; only what is on screen is read again. */

import {
  MutationCache,
  QueryCache,
  QueryClient,
  type InfiniteData,
  type Query,
  type UseQueryResult,
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQueries,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { Failure, client, isGone, isPassing, take } from "./client";
import type { Schemas } from "./client";
import type { Outcome } from "../lib/outcomes";
import { listen } from "./live";

export const LIST_METRICS = [
  "best_test_accuracy",
  "best_test_perplexity",
  "test_accuracy",
  "test_perplexity",
  "train_loss",
  "seconds",
  "compute_reduction",
];
const PAGE = 200;

const SLOWEST_MS = 3000;

/** A cache whose readers ask until the service answers, however long it is away, but not again when it said no. What
    was read stays meanwhile. Whether the browser thinks that it is online says nothing of a service on this machine. */
export function newCache(): QueryClient {
  // Whoever is not known any more is asked to sign in again: the session's own answer says whether that is so.
  const onError = (error: unknown) => {
    if (error instanceof Failure && error.status === 401) void cache.invalidateQueries({ queryKey: SESSION });
  };
  const cache = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: 30_000,
        retry: (_count, error) => isPassing(error),
        retryDelay: (count) => Math.min(1000 * 2 ** count, SLOWEST_MS),
        refetchOnWindowFocus: true,
        networkMode: "always",
      },
      mutations: { networkMode: "always" },
    },
  });
  return cache;
}

const SESSION = ["session"];

/** Who is signed in; null where a login is needed and nobody is. */
export function useSession() {
  return useQuery({
    queryKey: SESSION,
    queryFn: async (): Promise<Schemas["WhoAmI"] | null> => {
      try {
        return await take(client.GET("/api/v1/session"));
      } catch (error) {
        if (error instanceof Failure && error.status === 401) return null;
        throw error;
      }
    },
    staleTime: 0,
    retry: false,
  });
}

/** Show a token, for a cookie; what was refused before is read again. */
export function useSignIn() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (token: string) => take(client.POST("/api/v1/session", { body: { token } })),
    onSuccess: (who) => {
      cache.setQueryData(SESSION, who);
      void cache.invalidateQueries();
    },
  });
}

/** End the session. What was read stays in no memory: the page begins anew. */
export function useSignOut() {
  return useMutation({
    mutationFn: () => take(client.DELETE("/api/v1/session")),
    onSuccess: () => location.reload(),
  });
}

export interface JobFilter {
  sweep?: string;
  text?: string;
  state?: string;
}

function jobsPage(filter: JobFilter, metrics: readonly string[], limit: number, cursor: string) {
  return {
    query: {
      ...(filter.sweep ? { sweep: [filter.sweep] } : {}),
      ...(filter.text ? { text: filter.text } : {}),
      ...(filter.state ? { state: [filter.state as Schemas["JobItem"]["state"]] } : {}),
      columns: ["spec", ...metrics],
      limit,
      ...(cursor ? { cursor } : {}),
    },
  };
}

export function useJobs(filter: JobFilter) {
  // What is left out and what is empty is the same, and read once.
  const { sweep = "", text = "", state = "" } = filter;
  return useInfiniteQuery({
    queryKey: ["jobs", { sweep, text, state }],
    queryFn: ({ pageParam }) =>
      take(client.GET("/api/v1/jobs", { params: jobsPage(filter, LIST_METRICS, PAGE, pageParam) })),
    initialPageParam: "",
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });
}

/** Chosen jobs, however far down the list they are; those that are gone are left out. */
export function useChosen(ids: readonly string[]) {
  return useQuery({
    queryKey: ["chosen", ids],
    enabled: ids.length > 0,
    queryFn: ({ signal }) => {
      const query = { job: [...ids], columns: ["spec", ...LIST_METRICS], limit: 1000 };
      return take(client.GET("/api/v1/jobs", { params: { query }, signal }));
    },
    placeholderData: keepPreviousData,
  });
}

const TABLE_PAGE = 500;

/** The jobs of a table with some metrics, page by page. */
export function useTable(filter: JobFilter, metrics: readonly string[]) {
  return useInfiniteQuery({
    queryKey: ["table", filter, metrics],
    queryFn: ({ pageParam, signal }) =>
      take(client.GET("/api/v1/jobs", { params: jobsPage(filter, metrics, TABLE_PAGE, pageParam), signal })),
    initialPageParam: "",
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });
}

/** The exact jobs of a sweep (of all, without one) that succeeded, whatever the filter leaves out. */
export function useExact(sweep: string, metrics: readonly string[], isAsked: boolean) {
  return useQuery({
    queryKey: ["table", "exact", sweep, metrics],
    enabled: isAsked,
    queryFn: ({ signal }) =>
      take(
        client.GET("/api/v1/jobs", {
          params: {
            query: {
              ...(sweep ? { sweep: [sweep] } : {}),
              policy: ["exact"],
              state: ["succeeded"],
              columns: ["spec", ...metrics],
              limit: 1000,
            },
          },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  });
}

const jobOf = (id: string) => ({
  queryKey: ["job", id],
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    take(client.GET("/api/v1/jobs/{id}", { params: { path: { id } }, signal })),
});

export function useJob(id: string) {
  return useQuery(jobOf(id));
}

/** Several jobs, each whole, in the order of the ids. */
export function useEachJob(ids: readonly string[]) {
  return useQueries({ queries: ids.map(jobOf) });
}

export function useLayers(id: string) {
  return useQuery({
    queryKey: ["layers", id],
    queryFn: ({ signal }) => take(client.GET("/api/v1/jobs/{id}/layers", { params: { path: { id } }, signal })),
  });
}

export function useSweeps() {
  return useQuery({
    queryKey: ["sweeps"],
    queryFn: () => take(client.GET("/api/v1/sweeps", { params: { query: { limit: 100 } } })),
  });
}

export type X = "compute_reduction" | "planned_compute_reduction" | "time_saved";

export interface Scope {
  sweep?: string;
  jobs?: string[];
}

/** Compare the jobs of a scope. `margin` as typed, in per cent; "" leaves it to the service. */
export function useComparison(scope: Scope, x: X, y: string, margin: string) {
  const asked = Boolean(scope.sweep) || Boolean(scope.jobs?.length);
  return useQuery({
    queryKey: ["comparison", scope, x, y, margin],
    enabled: asked,
    queryFn: ({ signal }) =>
      ofThoseThere(scope.jobs ?? [], (job) =>
        take(
          client.GET("/api/v1/comparison", {
            params: {
              query: {
                ...(scope.sweep ? { sweep: [scope.sweep] } : { job }),
                ...(margin ? { margin: margin as unknown as number } : {}),
                x,
                y,
              },
            },
            signal,
          }),
        ),
      ),
    placeholderData: keepPreviousData,
  });
}

/** Ask about jobs without those that were deleted meanwhile, which the service names one at a time; says how many. */
async function ofThoseThere<T>(ids: string[], ask: (ids: string[]) => Promise<T>): Promise<T & { gone: number }> {
  for (let left = ids; ; ) {
    try {
      return { ...(await ask(left)), gone: ids.length - left.length };
    } catch (error) {
      const rest = error instanceof Failure && isGone(error) ? left.filter((id) => !error.message.includes(id)) : left;
      if (rest.length === 0 || rest.length === left.length) throw error;
      left = rest;
    }
  }
}

const AT_A_TIME = 25;

/** Curves of some jobs, a few jobs at a time: so the service uses its cores, and what changes is read again alone. */
export function useCurves(jobs: string[], metrics: string[], maxPoints: number) {
  const parts = Array.from({ length: Math.ceil(jobs.length / AT_A_TIME) }, (_, i) =>
    jobs.slice(i * AT_A_TIME, (i + 1) * AT_A_TIME),
  );
  const found = useQueries({
    queries: parts.map((part) => ({
      queryKey: ["curves", part, metrics, maxPoints],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        take(
          client.GET("/api/v1/curves", {
            params: { query: { job: part, metric: metrics, max_points: maxPoints } },
            signal,
          }),
        ),
    })),
    combine: together,
  });
  // Until all of what is asked for now is there, what was there before stays.
  const [kept, setKept] = useState(found.items);
  if (found.items && found.items !== kept) setKept(found.items);
  return { ...found, items: found.items ?? kept };
}

/** The curves of all parts, once each has some. */
function together(parts: UseQueryResult<Schemas["CurveList"]>[]) {
  const failed = parts.find((part) => part.isError);
  return {
    items: parts.every((part) => part.data) ? parts.flatMap((part) => part.data?.items ?? []) : null,
    error: failed?.error ?? null,
    refetch: () => parts.forEach((part) => void part.refetch()),
  };
}

export function useCatalog() {
  return useQuery({ queryKey: ["catalog"], queryFn: () => take(client.GET("/api/v1/catalog")), staleTime: 300_000 });
}

export function useQueue() {
  return useQuery({
    queryKey: ["queue"],
    queryFn: () => take(client.GET("/api/v1/queue", { params: { query: { limit: 200 } } })),
  });
}

/** By how much the service's clock is ahead of ours; what its second's resolution may be is nothing. */
function ahead(response: Response): number {
  const apart = Date.parse(response.headers.get("date") ?? "") - Date.now();
  return Math.abs(apart) > 2000 ? apart : 0;
}

export function useWorkers() {
  return useQuery({
    queryKey: ["workers"],
    queryFn: async () => {
      const call = client.GET("/api/v1/workers");
      const data = await take(call);
      return { ...data, ahead_ms: ahead((await call).response) };
    },
    refetchInterval: 10_000,
  });
}

const planOf = (spec: unknown) => ({
  queryKey: ["plan", spec],
  queryFn: () => take(client.POST("/api/v1/plan", { body: { spec } as never })),
  staleTime: Infinity,
  gcTime: 60_000,
});

/** The plan of a spec that is being typed; the one before stays until the new one is there. */
export function usePlan(spec: unknown) {
  return useQuery({ ...planOf(spec), enabled: spec !== null, placeholderData: keepPreviousData });
}

/** What the service finds wrong with each of a few specs, null where nothing is. */
export function useRefusals(specs: readonly unknown[]): (Error | null)[] {
  return useQueries({ queries: specs.map(planOf) }).map((plan) => plan.error);
}

/** `onDone` hears of the key that was used, on whatever page the reader is by then. */
export function useSubmit(onDone: (key: string) => void) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: ({ body, key }: { body: unknown; key: string }) =>
      take(client.POST("/api/v1/jobs", { body: body as never, params: { header: { "Idempotency-Key": key } } })),
    onSuccess: (_made, { key }) => onDone(key),
    onSettled: () => void cache.invalidateQueries({ queryKey: ["jobs"] }),
  });
}

export function useSubmitSweep(onDone: (key: string) => void) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: ({ body, key }: { body: unknown; key: string }) =>
      take(client.POST("/api/v1/sweeps", { body: body as never, params: { header: { "Idempotency-Key": key } } })),
    onSuccess: (_made, { key }) => onDone(key),
    onSettled: () => void cache.invalidateQueries({ queryKey: ["sweeps"] }),
  });
}

/* Jobs that are being deleted here: to read them once more would be answered with 404. */
const leaving = new Set<string>();

function concerns(query: Query, id: string): boolean {
  return JSON.stringify(query.queryKey).includes(id);
}

function stays(query: Query): boolean {
  return ![...leaving].some((id) => concerns(query, id));
}

export type Action = "cancel" | "pause" | "resume" | "retry" | "delete";

/** Change what becomes of a job. A retry may bring more time: `wallTimeS`, in seconds. */
export function useAction(id: string) {
  const cache = useQueryClient();
  return useMutation({
    onMutate: async ({ action }) => {
      if (action !== "delete") return;
      leaving.add(id);
      await cache.cancelQueries({ predicate: (query) => concerns(query, id) });
    },
    mutationFn: ({ action, wallTimeS }: { action: Action; wallTimeS?: number }) => act(action, id, wallTimeS),
    onSuccess: (_done, { action }) => {
      if (action === "delete") forget(cache, [id]);
    },
    onError: () => leaving.delete(id),
    onSettled: () => readAgain(cache),
  });
}

async function act(action: Action, id: string, wallTimeS?: number): Promise<void> {
  const params = { params: { path: { id } } };
  if (action === "delete") await take(client.DELETE("/api/v1/jobs/{id}", params));
  else if (action === "retry") {
    const body = wallTimeS === undefined ? {} : { body: { wall_time_s: wallTimeS } };
    await take(client.POST("/api/v1/jobs/{id}/retry", { ...params, ...body }));
  } else await take(client.POST(`/api/v1/jobs/{id}/${action}`, params));
}

/** Take deleted jobs out of the lists at once: what asks about the jobs that are listed must not ask about them. */
function forget(cache: QueryClient, ids: readonly string[]): void {
  const without = (page: Schemas["JobList"]) => ({ ...page, items: page.items.filter((job) => !ids.includes(job.id)) });
  for (const key of ["jobs", "table"])
    cache.setQueriesData<InfiniteData<Schemas["JobList"]>>(
      { queryKey: [key] },
      (list) => list && { ...list, pages: list.pages.map(without) },
    );
  cache.setQueriesData<Schemas["JobList"]>({ queryKey: ["chosen"] }, (list) => list && without(list));
}

/** Read again what tells of jobs that were changed. */
function readAgain(cache: QueryClient): void {
  for (const key of ["job", "jobs", "chosen", "table", "sweeps", "queue", "comparison"])
    void cache.invalidateQueries({ queryKey: [key], predicate: stays });
}

export type ManyAction = "cancel" | "pause" | "delete" | "tag" | "untag";
const AT_ONCE = 4;
const BUSY_MS = 1000;

/** Do the same to many jobs, a few at once. Says of each how it went, and fails for none of them. */
export function useMany() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: async ({ action, ids, tag = "" }: { action: ManyAction; ids: readonly string[]; tag?: string }) => {
      if (action === "delete") {
        for (const id of ids) leaving.add(id);
        await cache.cancelQueries({ predicate: (query) => !stays(query) });
      }
      const doing = (id: string) => () =>
        action === "tag" || action === "untag" ? setTag(id, tag, action === "tag") : act(action, id);
      const outcomes: Outcome[] = [];
      const waiting = [...ids];
      const work = async () => {
        for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
          const outcome = await outcomeOf(id, doing(id));
          if (action === "delete" && outcome.status !== null && outcome.status !== 404) leaving.delete(id);
          outcomes.push(outcome);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      if (action === "delete") forget(cache, outcomes.filter((one) => one.status === null).map((one) => one.id));
      return outcomes;
    },
    onSettled: () => readAgain(cache),
  });
}

async function setTag(id: string, tag: string, isOn: boolean): Promise<void> {
  const params = { params: { path: { id } } };
  // Tags are told as a whole, so they are read first: another may have added some meanwhile.
  const { tags } = await take(client.GET("/api/v1/jobs/{id}", params));
  const rest = tags.filter((one) => one !== tag);
  const next = isOn ? [...rest, tag] : rest;
  if (next.length !== tags.length) await take(client.PATCH("/api/v1/jobs/{id}", { ...params, body: { tags: next } }));
}

async function outcomeOf(id: string, work: () => Promise<void>): Promise<Outcome> {
  for (let tries = 0; ; tries += 1) {
    try {
      await work();
      return { id, status: null, message: "" };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      // The service asks to be called less often: it is only a matter of time.
      if (error.status !== 429 || tries === 20) return { id, status: error.status, message: error.message };
      await new Promise((resolve) => setTimeout(resolve, BUSY_MS));
    }
  }
}

const TOUCHED: Record<string, string[]> = {
  job: [
    "jobs",
    "chosen",
    "table",
    "job",
    "sweeps",
    "comparison",
    "queue",
    "workers",
    "layers",
    "log",
    "checkpoints",
    "webhooks",
  ],
  points: ["jobs", "chosen", "table", "job", "curves", "layers", "log"],
  truncate: ["curves", "job"],
  sweep: ["sweeps", "jobs", "chosen", "table", "comparison"],
  worker: ["workers", "queue", "catalog"],
};
interface Stale {
  kind: string;
  job: string | null;
}
/** What is read job by job, or names its jobs: the rest hangs on any. */
const OF_ONE_JOB = new Set(["job", "chosen", "curves", "layers", "log", "checkpoints", "webhooks"]);
const PAUSE_MS = 400;
/** What is read in many pages is read again less often. */
const REST_MS: Record<string, number> = { table: 2000, chosen: 2000 };

/** Let events refresh what is on screen, a few times a second at most; not while nobody is signed in. */
export function useLive(isOn: boolean): void {
  const cache = useQueryClient();
  useEffect(() => {
    if (!isOn) return;
    const stale = new Map<string, Stale>();
    // What is being read when something changes may have been read before it: it is read once more.
    const missed = new Set<Query>();
    let timer: ReturnType<typeof setTimeout> | null = null;
    const last = new Map<string, number>();
    const readAnew = (query: Query) => {
      if (query.state.fetchStatus === "fetching") missed.add(query);
      else if (stays(query)) void cache.invalidateQueries({ predicate: (one) => one === query });
    };
    const flush = () => {
      timer = null;
      const now = Date.now();
      const again = new Set(missed);
      missed.clear();
      const resting = Object.keys(REST_MS).filter((kind) => now - (last.get(kind) ?? 0) < (REST_MS[kind] ?? 0));
      for (const [name, { kind, job }] of stale) {
        if (resting.includes(kind)) continue;
        stale.delete(name);
        last.set(kind, now);
        const touched = cache.getQueryCache().findAll({ queryKey: [kind] });
        touched.filter((query) => job === null || concerns(query, job)).forEach((query) => again.add(query));
      }
      again.forEach(readAnew);
      if (stale.size || missed.size) timer = setTimeout(flush, PAUSE_MS);
    };
    // A stream begins after the page asked for its first rows, so it says a reset then too.
    const end = listen((event) => {
      if (event.name === "reset") cache.getQueryCache().getAll().forEach((query) => missed.add(query));
      for (const kind of TOUCHED[event.name] ?? []) {
        const job = OF_ONE_JOB.has(kind) ? event.job : null;
        stale.set(job ? `${kind}/${job}` : kind, { kind, job });
      }
      timer ??= setTimeout(flush, PAUSE_MS);
    });
    return () => {
      end();
      if (timer) clearTimeout(timer);
    };
  }, [cache, isOn]);
}
