/* A log that is read piece by piece: on from its end, and back from its beginning. Pure. */

/** A piece as the service gives it; places count characters of the whole log. */
export interface LogPiece {
  text: string;
  start: number;
  next: number;
  /** Length of the whole log. */
  size: number;
  /** What lies before this place was dropped. */
  first: number;
}

/** The part of a log that is held, without a gap. */
export interface HeldLog {
  text: string;
  start: number;
  end: number;
  first: number;
}

/** So many characters are held at most; older ones are let go, and can be read again. */
export const MOST_HELD = 1_000_000;

const opened = ({ text, start, next, first }: LogPiece): HeldLog => ({ text, start, end: next, first });

/** Add what came after. A piece that does not fit the end begins anew. */
export function withNewer(held: HeldLog | undefined, piece: LogPiece, most = MOST_HELD): HeldLog {
  if (!held || piece.start !== held.end || piece.size < held.end) return opened(piece);
  if (piece.text === "" && piece.first === held.first) return held;
  const text = held.text + piece.text;
  const cut = text.length > most ? text.indexOf("\n", text.length - most) + 1 || text.length - most : 0;
  return { text: text.slice(cut), start: held.start + cut, end: piece.next, first: piece.first };
}

/** Add what came before; a piece that does not reach up to the beginning changes nothing. */
export function withOlder(held: HeldLog, piece: LogPiece): HeldLog {
  if (piece.next !== held.start) return { ...held, first: piece.first };
  return { ...held, text: piece.text + held.text, start: piece.start, first: piece.first };
}

/** Characters before the held part that can still be read. */
export const olderThan = (held: HeldLog) => Math.max(0, held.start - held.first);
