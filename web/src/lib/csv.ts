/* Tables as text that spreadsheets and programs read alike (RFC 4180). */

export type Cell = string | number | boolean | null | undefined;

/** Write a head and rows; a missing or infinite value is empty. A text that a spreadsheet would run gets an apostrophe. */
export function asCsv(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [head, ...rows].map((row) => row.map(cell).join(",") + "\r\n").join("");
}

function cell(value: Cell): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
