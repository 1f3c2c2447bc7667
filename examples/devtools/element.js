// Elements without markup: whatever is shown comes in as text, so that nothing in it is interpreted.

/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/** A new element with these properties and children; children are elements or texts. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Fills the body of a table; a cell is a text, an element, or `{ text, is }` with a class. */
export function fillRows(table, rows) {
  table.tBodies[0].replaceChildren(
    ...rows.map((cells) =>
      make(
        "tr",
        {},
        ...cells.map((cell, place) => {
          const isNumber = table.tHead.rows[0].cells[place]?.className === "number";
          const shown = cell instanceof Node ? cell : (cell?.text ?? String(cell));
          return make("td", { className: cell?.is ?? (isNumber ? "number" : "") }, shown);
        }),
      ),
    ),
  );
}

/** Fills a definition list with pairs of texts. */
export function fillPairs(list, pairs) {
  list.replaceChildren(
    ...pairs.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, String(text))]),
  );
}
