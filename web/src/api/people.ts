/* Users, their tokens, caps and use of devices, and what was changed by whom. Most of it is for admins. */

import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { client, take } from "./client";
import type { Schemas } from "./client";

export type Token = Schemas["Token"];
export type Role = Token["role"];

const PAGE = 50;

const nextOf = (page: { next: string | null }) => page.next ?? undefined;

export function useTokens(isAdmin: boolean) {
  return useInfiniteQuery({
    queryKey: ["tokens"],
    enabled: isAdmin,
    queryFn: ({ pageParam }) =>
      take(
        client.GET("/api/v1/tokens", {
          params: { query: { limit: PAGE, ...(pageParam ? { cursor: pageParam } : {}) } },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: nextOf,
  });
}

export function useIssueToken() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (body: Schemas["TokenIssue"]) => take(client.POST("/api/v1/tokens", { body })),
    // The secret is shown once and kept nowhere, in no cache either.
    gcTime: 0,
    onSettled: () => {
      for (const key of ["tokens", "users", "audit"]) void cache.invalidateQueries({ queryKey: [key] });
    },
  });
}

export function useRevokeToken() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => take(client.DELETE("/api/v1/tokens/{id}", { params: { path: { id } } })),
    onSettled: () => {
      for (const key of ["tokens", "audit", "session"]) void cache.invalidateQueries({ queryKey: [key] });
    },
  });
}

export function useUsers(isAdmin: boolean) {
  return useQuery({ queryKey: ["users"], enabled: isAdmin, queryFn: () => take(client.GET("/api/v1/users")) });
}

/** Set a user's caps; null gives the service's setting back. */
export function useSetCaps() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: ({ name, caps }: { name: string; caps: Schemas["Caps"] }) =>
      take(client.PATCH("/api/v1/users/{name}", { params: { path: { name } }, body: caps })),
    onSettled: () => {
      for (const key of ["users", "audit"]) void cache.invalidateQueries({ queryKey: [key] });
    },
  });
}

/** What was changed, newest first; of one user, or of all. */
export function useAudit(isAdmin: boolean, user: string) {
  return useInfiniteQuery({
    queryKey: ["audit", user],
    enabled: isAdmin,
    queryFn: ({ pageParam }) =>
      take(
        client.GET("/api/v1/audit", {
          params: {
            query: { limit: PAGE, ...(user ? { user: [user] } : {}), ...(pageParam ? { cursor: pageParam } : {}) },
          },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: nextOf,
  });
}

/** Device time by user and kind, from a day on (in UTC, as 2030-01-31); "" for all of it. */
export function useUsage(since: string) {
  return useQuery({
    queryKey: ["usage", since],
    queryFn: () => take(client.GET("/api/v1/usage", { params: { query: since ? { since } : {} } })),
    refetchInterval: 60_000,
  });
}
