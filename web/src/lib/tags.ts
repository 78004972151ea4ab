/* Tags as they are typed: between commas, each once. */

export function asTags(text: string): string[] {
  return [...new Set(text.split(",").map((tag) => tag.trim()))].filter(Boolean);
}
