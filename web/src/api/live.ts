/* Live events. A browser opens few connections to one server, so of all its tabs one holds the stream
   (a web lock says which) and passes the events on to the others. */

import { useSyncExternalStore } from "react";

export type Status = "connecting" | "live" | "reconnecting";

export interface LiveEvent {
  name: "job" | "points" | "truncate" | "sweep" | "worker" | "reset";
  job: string | null;
  state: string | null;
}

type Message = { kind: "event"; event: LiveEvent } | { kind: "status"; status: Status } | { kind: "hello" };

const NAMES = ["job", "points", "truncate", "sweep", "worker", "reset"] as const;

/** A browser tries again by itself when a stream breaks, but not when it was refused (a proxy's 502, too many streams). */
const AGAIN_MS = 2000;

let status: Status = "connecting";
const watchers = new Set<() => void>();

function setStatus(next: Status): void {
  if (next === status) return;
  status = next;
  for (const watcher of watchers) watcher();
}

/** Follow events for as long as the page is open; `onEvent` hears each of them once.
    A stream begins when something has been read already, and may have missed what came between: it says a reset. */
export function listen(onEvent: (event: LiveEvent) => void): () => void {
  let isFirst = true;
  const channel = new BroadcastChannel("colrow-events");
  const ended = new AbortController();
  const hear = (message: Message) => {
    if (message.kind === "event") onEvent(message.event);
    if (message.kind === "status") setStatus(message.status);
  };
  const follow = () => {
    channel.onmessage = ({ data }: MessageEvent<Message>) => hear(data);
  };
  follow();

  const lead = () =>
    new Promise<void>((resolve) => {
      const source = new EventSource("/api/v1/events");
      const tell = (message: Message) => {
        hear(message);
        channel.postMessage(message);
      };
      source.onopen = () => {
        tell({ kind: "status", status: "live" });
        if (isFirst) tell({ kind: "event", event: { name: "reset", job: null, state: null } });
        isFirst = false; // when the browser opens it again, it goes on after the last event
      };
      source.onerror = () => {
        tell({ kind: "status", status: "reconnecting" });
        if (source.readyState === EventSource.CLOSED) setTimeout(resolve, AGAIN_MS);
      };
      channel.onmessage = ({ data }: MessageEvent<Message>) => {
        if (data.kind === "hello") channel.postMessage({ kind: "status", status } satisfies Message);
      };
      for (const name of NAMES) {
        source.addEventListener(name, ({ data }: MessageEvent<string>) => {
          const said = JSON.parse(data) as { job?: string | null; state?: string | null };
          tell({ kind: "event", event: { name, job: said.job ?? null, state: said.state ?? null } });
        });
      }
      ended.signal.addEventListener("abort", () => {
        source.close();
        resolve();
      });
    });

  channel.postMessage({ kind: "hello" } satisfies Message);
  // Over plain http a browser has no locks: there each tab holds a stream of its own.
  const turn = () => navigator.locks?.request("colrow-events", { signal: ended.signal }, lead) ?? lead();
  const join = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      await turn();
      isFirst = true; // the stream was refused, and is asked for anew
      follow();
    }
  };
  join().catch(() => undefined);
  return () => {
    ended.abort();
    channel.close();
  };
}

/** Whether points flow in. */
export function useLiveStatus(): Status {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => status,
  );
}
