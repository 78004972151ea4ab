import { expect, it } from "vitest";

import { auditPlace, auditWords } from "./audit";

it("says changing calls in words, and nothing of those that it does not know", () => {
  expect(auditWords({ method: "POST", path: "/api/v1/jobs" })).toBe("submitted a job");
  expect(auditWords({ method: "DELETE", path: "/api/v1/jobs/x1" })).toBe("deleted a job");
  expect(auditWords({ method: "POST", path: "/api/v1/jobs/x1/webhooks" })).toBe("added a webhook");
  expect(auditWords({ method: "PATCH", path: "/api/v1/users/ada" })).toBe("set a user's caps");
  expect(auditWords({ method: "command", path: "token issue" })).toBe("");
});

it("leads to what was changed, unless it is gone or the call was refused", () => {
  const id = "01a20e61-329b-7888-85f7-48650b5cc0fc";
  const made = { method: "POST", path: "/api/v1/jobs", status: 201, detail: `/api/v1/jobs/${id}` };
  expect(auditPlace(made)?.to).toBe(`/jobs/${id}`);
  const stopped = { method: "POST", path: `/api/v1/sweeps/${id}/cancel`, status: 202, detail: null };
  expect(auditPlace(stopped)).toMatchObject({ to: "/compare", changes: { sweep: id } });
  expect(auditPlace({ ...made, status: 403, detail: "needs the role user" })).toBeNull();
  expect(auditPlace({ method: "DELETE", path: `/api/v1/jobs/${id}`, status: 204, detail: null })).toBeNull();
  expect(auditPlace({ method: "POST", path: "/api/v1/tokens", status: 201, detail: "/api/v1/tokens/7" })).toBeNull();
});
