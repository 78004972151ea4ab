import { describe, expect, it } from "vitest";

import { exportPath } from "./exports";

describe("exportPath", () => {
  it("asks for what the filter finds, or for the jobs named", () => {
    expect(exportPath({ sweep: "s", text: "a & b", state: "" }, "points")).toBe(
      "/api/v1/export?table=points&format=csv&sweep=s&text=a+%26+b",
    );
    expect(exportPath(["a", "b"], "jobs")).toBe("/api/v1/export?table=jobs&format=csv&job=a&job=b");
  });
});
