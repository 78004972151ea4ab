import { describe, expect, it } from "vitest";

import { asCsv } from "./csv";

describe("a table as text", () => {
  it("quotes what would break it", () => {
    expect(asCsv(["a", "b"], [['say "x", y', "two\nlines"]])).toBe('a,b\r\n"say ""x"", y","two\nlines"\r\n');
  });

  it("keeps numbers whole and leaves out what is none", () => {
    expect(asCsv(["a"], [[0.1 + 0.2], [-3], [null], [NaN], [undefined], [true]])).toBe(
      "a\r\n0.30000000000000004\r\n-3\r\n\r\n\r\n\r\ntrue\r\n",
    );
  });

  it("lets no spreadsheet run a name", () => {
    expect(asCsv(["name"], [["=1+1"], ["@sum"]])).toBe("name\r\n'=1+1\r\n'@sum\r\n");
  });
});
