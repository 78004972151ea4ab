/* What a job left behind and whom it tells: log, checkpoints, webhooks; and what may be changed of it. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { QueryClient } from "@tanstack/react-query";

import { olderThan, withNewer, withOlder } from "../lib/logs";
import type { HeldLog, LogPiece } from "../lib/logs";
import { client, take } from "./client";
import type { Schemas } from "./client";

/** Characters that a log is opened with, and that are read back at a time. */
const FIRST = 65_536;
const MOST = 1 << 20;

const logKey = (id: string) => ["log", id];
const heldLog = (cache: QueryClient, id: string) => cache.getQueryData<HeldLog>(logKey(id));

function readLog(id: string, start: number, limit: number, signal?: AbortSignal): Promise<LogPiece> {
  return take(client.GET("/api/v1/jobs/{id}/log", { params: { path: { id }, query: { start, limit } }, signal }));
}

/** The end of a job's log; read again, it goes on from where it ended. */
export function useLog(id: string) {
  const cache = useQueryClient();
  return useQuery({
    queryKey: logKey(id),
    queryFn: async ({ signal }) => {
      let start = heldLog(cache, id)?.end ?? -FIRST;
      const pieces: LogPiece[] = [];
      for (;;) {
        const piece = await readLog(id, start, MOST, signal);
        if (start >= 0 && piece.size < start) {
          start = -FIRST; // another log than the one that was read
          continue;
        }
        pieces.push(piece);
        if (piece.next >= piece.size || piece.text === "") break;
        start = piece.next;
      }
      // Older text may have come meanwhile.
      return pieces.reduce<HeldLog | undefined>((held, piece) => withNewer(held, piece), heldLog(cache, id)) as HeldLog;
    },
  });
}

/** Read what came before the part that is held. */
export function useOlderLog(id: string) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: async () => {
      const held = heldLog(cache, id);
      if (!held) return;
      const length = Math.min(FIRST, olderThan(held));
      if (length === 0) return;
      const piece = await readLog(id, held.start - length, length);
      cache.setQueryData<HeldLog>(logKey(id), (latest) => latest && withOlder(latest, piece));
    },
  });
}

/** All of a log that there is, from its beginning. */
export async function wholeLog(id: string): Promise<string> {
  const parts: string[] = [];
  for (let start = 0; ; ) {
    const piece = await readLog(id, start, MOST);
    parts.push(piece.text);
    if (piece.next >= piece.size || piece.text === "") return parts.join("");
    start = piece.next;
  }
}

export function useCheckpoints(id: string) {
  return useQuery({
    queryKey: ["checkpoints", id],
    queryFn: ({ signal }) => take(client.GET("/api/v1/jobs/{id}/checkpoints", { params: { path: { id } }, signal })),
  });
}

export const checkpointAddress = (id: string, checkpoint: number) =>
  `/api/v1/jobs/${encodeURIComponent(id)}/checkpoints/${checkpoint}`;

/** A job's webhooks. Only who may change the job may see them. */
export function useWebhooks(id: string, isAllowed: boolean) {
  return useQuery({
    queryKey: ["webhooks", id],
    enabled: isAllowed,
    queryFn: ({ signal }) => take(client.GET("/api/v1/jobs/{id}/webhooks", { params: { path: { id } }, signal })),
  });
}

export function useAddWebhook(id: string) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (url: string) =>
      take(client.POST("/api/v1/jobs/{id}/webhooks", { params: { path: { id } }, body: { url } })),
    onSettled: () => void cache.invalidateQueries({ queryKey: ["webhooks", id] }),
  });
}

export function useRemoveWebhook(id: string) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (webhook: string) => take(client.DELETE("/api/v1/webhooks/{id}", { params: { path: { id: webhook } } })),
    onSettled: () => void cache.invalidateQueries({ queryKey: ["webhooks", id] }),
  });
}

/** Change a job's name, tags, notes or priority. */
export function useEdit(id: string) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (body: Schemas["JobPatch"]) =>
      take(client.PATCH("/api/v1/jobs/{id}", { params: { path: { id } }, body })),
    onSuccess: (job) => {
      cache.setQueryData(["job", id], job);
      void cache.invalidateQueries({ queryKey: ["jobs"] });
      void cache.invalidateQueries({ queryKey: ["queue"] });
    },
  });
}
