/* Hands a file to the reader, as a download. */

export function save(content: Blob | string, name: string, type = "text/plain"): void {
  const blob = typeof content === "string" ? new Blob([content], { type: `${type};charset=utf-8` }) : content;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser has read it by then, or holds on to it itself.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A name that every file system takes: `Four policies, 50 %` -> four-policies-50. */
export function fileName(...parts: readonly string[]): string {
  const text = parts.filter(Boolean).join("-").normalize("NFKC").toLowerCase();
  const kept = text.replaceAll(/[^\p{L}\p{N}]+/gu, "-").replaceAll(/^-+|-+$/g, "");
  return [...kept].slice(0, 80).join("") || "colrow";
}
