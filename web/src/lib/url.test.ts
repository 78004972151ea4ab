import { describe, expect, it } from "vitest";

import { choiceIn, routeOf, withChanges } from "./url";

describe("routeOf", () => {
  it("opens Compare at the root", () => {
    expect(routeOf("/")).toEqual({ page: "compare" });
    expect(routeOf("/curves/")).toEqual({ page: "curves" });
  });

  it("reads the id of a job and keeps what it does not know", () => {
    expect(routeOf("/jobs/0199-a")).toEqual({ page: "job", id: "0199-a" });
    expect(routeOf("/nowhere")).toEqual({ page: "unknown", path: "/nowhere" });
    expect(routeOf("/jobs")).toEqual({ page: "unknown", path: "/jobs" });
  });
});

describe("choiceIn", () => {
  it("takes what is one of the few, and the default for all else", () => {
    const options = [{ value: "step" }, { value: "epoch" }] as const;
    expect(choiceIn("epoch", options, "step")).toBe("epoch");
    expect(choiceIn("x", options, "step")).toBe("step");
    expect(choiceIn("", options, "step")).toBe("step");
  });
});

describe("withChanges", () => {
  it("changes, adds and takes away, and leaves the rest", () => {
    expect(withChanges("?a=1&b=2", { b: "3", c: "x,y" })).toBe("?a=1&b=3&c=x,y");
    expect(withChanges("?a=1", { a: null })).toBe("");
    expect(withChanges("?a=1", { b: undefined })).toBe("?a=1");
  });
});
