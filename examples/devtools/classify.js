// What do these lines mean? A pasted text is classified in a worker, and shown as text only.

import { latestOf } from "./background.js";
import { byId, fillRows, make } from "./element.js";
import { EXAMPLES } from "./examples.js";
import { REMEDIES } from "./remedies.js";
import { takeText, textOf } from "./field.js";
import { bytes, count, counted } from "./words.js";

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

  const classify = async (text, source = "") => {
    const name = source === "" ? "" : `${source}: `;
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

  const take = takeText(field, classify);
  byId("evidence-file").addEventListener("change", async ({ target }) => {
    const [file] = target.files;
    if (file === undefined) return;
    try {
      take(await textOf(file, CHARS_MAX, bytes), file.name);
    } catch (error) {
      outcome.textContent = error.message;
    }
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
