/* Over plain http a browser has no clipboard for pages; what is shown can still be selected. */

export const NO_COPY = "The browser lets no page copy here: select the text and copy it yourself.";

/** Copy a text, and say whether that was possible. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
