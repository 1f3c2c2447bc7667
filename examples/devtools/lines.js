// Classifies a text line by line.

/** Rows that are shown; a longer table tells nobody more. */
export const ROWS_MAX = 500;
/** Longest line that is shown whole. */
const SHOWN_CHARS_MAX = 400;
/** Lines between two signs of progress. */
const SLICE_LINES = 5_000;

/** What each line says: counts by kind, and the first lines that say something. */
export function classifyLines(outlast, text, onProgress) {
  const kinds = new Map();
  const rows = [];
  // Logs repeat themselves: what was classified once is known.
  const known = new Map();
  let number = 0;
  let telling = 0;
  for (let start = 0; start <= text.length;) {
    const end = text.indexOf("\n", start);
    const line = text.slice(start, end === -1 ? text.length : end).trim();
    start = end === -1 ? text.length + 1 : end + 1;
    number += 1;
    if (number % SLICE_LINES === 0) onProgress({ lines: number, share: start / text.length });
    if (line === "") continue;
    const found = classifyLine(outlast, known, line);
    if (found.kind === "unknown_error") continue;
    telling += 1;
    const sum = kinds.get(found.kind) ?? { ...found, lines: 0 };
    sum.lines += 1;
    kinds.set(found.kind, sum);
    if (rows.length < ROWS_MAX) rows.push({ number, ...found, text: cut(line) });
  }
  const byCount = [...kinds.values()].sort((left, right) => right.lines - left.lines);
  return { lines: text === "" ? 0 : number, telling, kinds: byCount, rows };
}

function classifyLine(outlast, known, line) {
  // A time at the beginning makes equal lines differ.
  const key = line.replace(/^[\d\s:.,TZ+/-]+/, "");
  let found = known.get(key);
  if (found === undefined) {
    found = outlast.classify(line);
    if (known.size < 50_000) known.set(key, found);
  }
  return found;
}

function cut(line) {
  return line.length > SHOWN_CHARS_MAX ? `${line.slice(0, SHOWN_CHARS_MAX)}…` : line;
}
