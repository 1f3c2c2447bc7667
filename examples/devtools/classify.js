// What do these lines mean? A pasted text is classified in a worker, and shown as text only.

import { latestOf } from "./background.js";
import { byId, fillRows, make } from "./element.js";
import { EXAMPLES } from "./examples.js";
import { REMEDIES } from "./remedies.js";
import { bytes, count, counted } from "./words.js";

/** A text field with more than this stands still while it lays it out. */
const FIELD_CHARS_MAX = 10_000;
/** The most that is read at all. */
const CHARS_MAX = 64 * 1_024 * 1_024;

const VERDICTS = {
  link: "the connection is unusable",
  writes: "only writes fail",
  wait: "not before a given time",
  command: "the caller's own affair",
};
const REDIALS = { server: "often", network: "seldom", quota: "after the quota's reset" };

export function makeClassify() {
  const run = latestOf("classify");
  const field = byId("evidence");
  const outcome = byId("evidence-outcome");

  const classify = async (text, name = "") => {
    if (text.length > CHARS_MAX) {
      outcome.textContent = `${bytes(text.length)} are more than the ${bytes(CHARS_MAX)} that are read.`;
      showFound({ kinds: [], rows: [] });
      return;
    }
    try {
      const found = await run(text, ({ lines, share }) => {
        outcome.textContent = `Reading: ${count(lines)} lines, ${Math.round(share * 100)}%.`;
      });
      if (found === undefined) return;
      outcome.textContent = told(found, name);
      showFound(found);
    } catch (error) {
      outcome.textContent = error.message;
    }
  };

  /** A long text is read, and its beginning shown. */
  const take = (text, name) => {
    const isLong = text.length > FIELD_CHARS_MAX;
    field.value = isLong
      ? `${text.slice(0, FIELD_CHARS_MAX)}\n… ${count(text.length - FIELD_CHARS_MAX)} more characters`
      : text;
    field.readOnly = isLong;
    classify(text, name);
  };

  field.addEventListener("input", () => classify(field.value));
  field.addEventListener("paste", (event) => {
    const text = event.clipboardData?.getData("text") ?? "";
    if (text.length <= FIELD_CHARS_MAX) return;
    event.preventDefault();
    take(text, "What was pasted: ");
  });
  byId("evidence-file").addEventListener("change", async ({ target }) => {
    const [file] = target.files;
    if (file === undefined) return;
    if (file.size > CHARS_MAX) {
      outcome.textContent = `${file.name} has ${bytes(file.size)}; at most ${bytes(CHARS_MAX)} are read.`;
      return;
    }
    // What is no UTF-8 becomes a replacement character, and the rest of the line is read.
    take(await file.text(), `${file.name}: `);
  });
  byId("evidence-clear").addEventListener("click", () => {
    byId("evidence-file").value = "";
    byId("example").value = "";
    take("", "");
    field.focus();
  });
  byId("example").append(...Object.keys(EXAMPLES).map((name) => make("option", {}, name)));
  byId("example").addEventListener("change", ({ target }) =>
    take(EXAMPLES[target.value] ?? "", ""),
  );
  return {};
}

function told({ lines, telling, kinds }, name) {
  if (lines === 0) return "";
  const said =
    telling === 0
      ? "none says what failed"
      : `${count(telling)} ${telling === 1 ? "says" : "say"} what failed, of ${counted(kinds.length, "kind")}`;
  return `${name}${counted(lines, "line")}, of which ${said}.`;
}

function showFound({ kinds, rows }) {
  byId("kinds").hidden = kinds.length === 0;
  byId("classified").hidden = rows.length === 0;
  fillRows(
    byId("kinds"),
    kinds.map(({ kind, lines, verdict, schedule }) => [
      { text: kind, is: "nowrap code" },
      count(lines),
      `${verdict}: ${VERDICTS[verdict]}`,
      verdict === "command" ? "no need" : REDIALS[schedule],
      REMEDIES[kind],
    ]),
  );
  const told = kinds.reduce((sum, { lines }) => sum + lines, 0);
  fillRows(byId("classified"), [
    ...rows.map(({ number, kind, verdict, text }) => [
      count(number),
      { text: kind, is: "nowrap code" },
      verdict,
      { text, is: "code" },
    ]),
    ...(told > rows.length ? [["", "", "", `and ${count(told - rows.length)} more`]] : []),
  ]);
}
