// Commands and replies as redis-cli writes them.

const ESCAPES = { n: "\n", r: "\r", t: "\t", b: "\b", a: "\x07" };

/** The arguments of a line: words, or quoted with ' or ". */
export function splitCommand(line) {
  const args = [];
  let at = 0;
  while (at < line.length) {
    if (/\s/.test(line[at])) {
      at += 1;
      continue;
    }
    const read = readArgument(line, at);
    args.push(read.text);
    at = read.end;
  }
  return args;
}

function readArgument(line, start) {
  let text = "";
  let at = start;
  while (at < line.length && !/\s/.test(line[at])) {
    const quote = line[at];
    if (quote !== '"' && quote !== "'") {
      text += quote;
      at += 1;
      continue;
    }
    const read = readQuoted(line, at + 1, quote);
    if (read.end < line.length && !/\s/.test(line[read.end])) {
      throw new Error(`A space is missing after the ${quote} at ${read.end}.`);
    }
    text += read.text;
    at = read.end;
  }
  return { text, end: at };
}

function readQuoted(line, start, quote) {
  let text = "";
  let at = start;
  while (at < line.length && line[at] !== quote) {
    const hex = quote === '"' && /^\\x([0-9a-f]{2})/i.exec(line.slice(at, at + 4));
    if (hex) {
      text += String.fromCharCode(Number.parseInt(hex[1], 16));
      at += 4;
    } else if (
      line[at] === "\\" &&
      (quote === '"' || line[at + 1] === "'") &&
      at + 1 < line.length
    ) {
      const next = line[at + 1];
      text += quote === '"' ? (ESCAPES[next] ?? next) : next;
      at += 2;
    } else {
      text += line[at];
      at += 1;
    }
  }
  if (at >= line.length) throw new Error(`The ${quote} at ${start} is not closed.`);
  return { text, end: at + 1 };
}

/** A reply in lines. */
export function replyLines(value, indent = "") {
  if (value === null) return ["(nil)"];
  if (typeof value === "number" && Number.isInteger(value)) return [`(integer) ${value}`];
  if (typeof value === "bigint") return [`(integer) ${value}`];
  if (typeof value === "number") return [`(double) ${value}`];
  if (typeof value === "boolean") return [`(${value})`];
  if (value instanceof Error) return [`(error) ${value.message}`];
  if (value instanceof Uint8Array) return [`"${[...value].map(escapedByte).join("")}"`];
  if (value instanceof Map) return listLines([...value].flat(), indent, "#");
  if (value instanceof Set) return listLines([...value], indent, "~");
  if (Array.isArray(value)) return listLines(value, indent, ")");
  // The page has statuses and texts in one form; these three are hardly ever values.
  if (["OK", "QUEUED", "PONG"].includes(value)) return [value];
  return value.includes("\r\n") ? value.split("\r\n") : [JSON.stringify(value)];
}

function listLines(items, indent, mark) {
  if (items.length === 0) return ["(empty array)"];
  const width = String(items.length).length;
  return items.flatMap((item, place) => {
    const number = `${String(place + 1).padStart(width)}${mark} `;
    const inner = " ".repeat(number.length);
    const [first, ...rest] = replyLines(item, indent + inner);
    return [`${number}${first}`, ...rest.map((line) => inner + line)];
  });
}

function escapedByte(byte) {
  if (byte >= 32 && byte < 127) return String.fromCharCode(byte);
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}
