import { describe, expect, it } from "vitest";

import { reasons, told } from "./outcomes";

const ok = (id: string) => ({ id, status: null, message: "" });
const no = (id: string, status: number, message = "no") => ({ id, status, message });

describe("told", () => {
  it("counts what was done, and says why the rest was not", () => {
    expect(told("cancel", [ok("a"), ok("b"), ok("c"), no("d", 409)])).toBe("3 cancelled, 1 had ended already");
    expect(told("delete", [no("a", 409), no("b", 409)])).toBe("2 are running: cancel them first");
    expect(told("tag", [ok("a"), no("b", 403), no("c", 404)])).toBe("1 tagged, 1 belongs to somebody else, 1 was gone already");
  });

  it("names jobs where all went well", () => {
    expect(told("pause", [ok("a")])).toBe("1 job asked to pause");
  });

  it("has a word for every other refusal", () => {
    expect(told("tag", [no("a", 422), no("b", 0)])).toBe("1 was refused, 1 got no answer");
  });
});

describe("reasons", () => {
  it("says each reason once with the jobs that it is about", () => {
    expect(reasons([ok("a"), no("b", 409, "ended"), no("c", 409, "ended")])).toEqual([{ message: "ended", ids: ["b", "c"] }]);
  });
});
