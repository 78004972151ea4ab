import { describe, expect, it } from "vitest";

import { whyNotChange, whyNotSubmit } from "./rights";

const ada = { user: "ada", role: "user" } as const;

describe("rights", () => {
  it("let owners and admins change a job, and tell others why not", () => {
    expect(whyNotChange(ada, "ada")).toBe("");
    expect(whyNotChange({ user: "root", role: "admin" }, "ada")).toBe("");
    expect(whyNotChange(ada, "bob")).toBe("This is bob's: only bob or an admin may change it.");
  });

  it("tell a viewer that a viewer only looks, even at what was theirs once", () => {
    expect(whyNotSubmit({ user: "vic", role: "viewer" })).toContain("vic is a viewer");
    expect(whyNotChange({ user: "vic", role: "viewer" }, "vic")).toContain("vic is a viewer");
    expect(whyNotSubmit(ada)).toBe("");
  });

  it("forbid nothing while nobody knows who asks", () => {
    expect(whyNotChange(undefined, "ada")).toBe("");
    expect(whyNotSubmit(null)).toBe("");
  });
});
