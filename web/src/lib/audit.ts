/* Changing calls in words. What has none is shown by its path alone. */

interface Call {
  method: string;
  path: string;
}

const WORDS: [method: string, path: RegExp, words: string][] = [
  ["POST", /\/jobs$/, "submitted a job"],
  ["PATCH", /\/jobs\/[^/]+$/, "edited a job"],
  ["DELETE", /\/jobs\/[^/]+$/, "deleted a job"],
  ["POST", /\/jobs\/[^/]+\/cancel$/, "cancelled a job"],
  ["POST", /\/jobs\/[^/]+\/pause$/, "paused a job"],
  ["POST", /\/jobs\/[^/]+\/resume$/, "resumed a job"],
  ["POST", /\/jobs\/[^/]+\/retry$/, "retried a job"],
  ["POST", /\/jobs\/[^/]+\/clone$/, "cloned a job"],
  ["POST", /\/sweeps$/, "submitted a sweep"],
  ["POST", /\/sweeps\/[^/]+\/cancel$/, "cancelled a sweep"],
  ["POST", /\/webhooks$/, "added a webhook"],
  ["DELETE", /\/webhooks\/[^/]+$/, "removed a webhook"],
  ["POST", /\/session$/, "signed in"],
  ["DELETE", /\/session$/, "signed out"],
  ["POST", /\/tokens$/, "made a token"],
  ["DELETE", /\/tokens\/[^/]+$/, "revoked a token"],
  ["PATCH", /\/users\/[^/]+$/, "set a user's caps"],
];

export function auditWords({ method, path }: Call): string {
  return WORDS.find(([verb, place]) => verb === method && place.test(path))?.[2] ?? "";
}

interface Place {
  to: string;
  changes: Record<string, string>;
  words: string;
}

/** Where what was changed can be seen; null where it is gone, refused, or has no page. */
export function auditPlace({ method, path, status, detail }: Call & { status: number; detail: string | null }): Place | null {
  if (method === "DELETE" || status >= 400) return null;
  const found = /\/(jobs|sweeps)\/([0-9a-f][0-9a-f-]{20,})/.exec(detail?.startsWith("/") ? detail : path);
  const [, kind, id = ""] = found ?? [];
  if (kind === "jobs") return { to: `/jobs/${id}`, changes: {}, words: `job ${id.slice(0, 13)}…` };
  if (kind === "sweeps") return { to: "/compare", changes: { sweep: id, jobs: "" }, words: `sweep ${id.slice(0, 13)}…` };
  return null;
}
