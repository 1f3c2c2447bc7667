// Text fields that are handed long texts. A field stands still while it lays out a long one, so it
// shows the beginning, and what is read is handed on whole.

import { count } from "./words.js";

/** What a field lays out at once. */
export const FIELD_CHARS_MAX = 10_000;

/** A text, or what is shown of a long one. */
export function beginning(text) {
  return text.length > FIELD_CHARS_MAX
    ? `${text.slice(0, FIELD_CHARS_MAX)}\n… ${count(text.length - FIELD_CHARS_MAX)} more characters`
    : text;
}

/**
 * Tells `onText` of what is typed, pasted or dropped, with the name of a file where it is one.
 * Answers how to hand in a text.
 */
export function takeText(field, onText) {
  const take = (text, name = "") => {
    field.value = beginning(text);
    field.readOnly = text.length > FIELD_CHARS_MAX;
    onText(text, name);
  };
  field.addEventListener("input", () => onText(field.value, ""));
  const taken = (event, data) => {
    const text = data?.getData("text") ?? "";
    if (text.length <= FIELD_CHARS_MAX) return;
    event.preventDefault();
    take(text, "What was pasted");
  };
  field.addEventListener("paste", (event) => taken(event, event.clipboardData));
  field.addEventListener("drop", (event) => taken(event, event.dataTransfer));
  return take;
}

/** The text of a file, or an error that says that it is too long. What is no UTF-8 is replaced. */
export async function textOf(file, charsMax, shown) {
  if (file.size > charsMax) {
    throw new Error(`${file.name} has ${shown(file.size)}; at most ${shown(charsMax)} are read.`);
  }
  return file.text();
}
