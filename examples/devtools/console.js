// A prompt on a Redis in the page.

import { byId, make } from "./element.js";
import { replyLines, splitCommand } from "./redis-cli.js";
import { counted } from "./words.js";

/** Lines that the screen keeps, and commands that the history keeps. */
const LINES_MAX = 2_000;
const HISTORY_MAX = 500;

export function makeConsole(loadStore) {
  const input = byId("command");
  const history = [];
  let place = 0;
  let store;
  let help;

  const ready = async () => {
    if (store !== undefined) return;
    try {
      const Store = await loadStore();
      store = new Store();
      help = commandHelp(new Store());
      byId("hint").textContent = "Type a command: SET greeting hello";
    } catch (error) {
      say([`The Redis in memory could not be loaded: ${error.message}`], "error");
    }
  };
  const run = (text) => {
    say([`outlast> ${text}`], "said");
    try {
      const args = splitCommand(text);
      if (args.length === 0) return;
      if (args[0].toUpperCase() === "HELP") say(help.told(args.slice(1).join(" ")), "quiet");
      else if (args[0].toUpperCase() === "CLEAR") byId("screen").replaceChildren();
      else {
        say(replyLines(store.exec(...args)));
        for (const message of store.messages()) say(replyLines(message), "quiet");
      }
    } catch (error) {
      say([error.code === undefined ? error.message : `(error) ${error.message}`], "error");
    }
  };

  byId("prompt").addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text === "") return;
    await ready();
    history.push(text);
    if (history.length > HISTORY_MAX) history.shift();
    place = history.length;
    input.value = "";
    if (store !== undefined) run(text);
    hint();
  });
  const hint = () => {
    byId("hint").textContent = help?.hint(input.value) ?? "";
  };
  input.addEventListener("input", hint);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      place = Math.min(Math.max(place + step, 0), history.length);
      input.value = history[place] ?? "";
      hint();
    } else if (event.ctrlKey && event.key.toLowerCase() === "l") {
      event.preventDefault();
      byId("screen").replaceChildren();
    } else if (event.ctrlKey && event.key === " ") {
      event.preventDefault();
      input.value = help?.complete(input.value) ?? input.value;
      hint();
    }
  });
  return {
    show: async () => {
      input.focus();
      await ready();
    },
  };
}

function say(lines, is = "") {
  const screen = byId("screen");
  screen.append(...lines.map((line) => make("div", { className: is }, line)));
  while (screen.childElementCount > LINES_MAX) screen.firstElementChild.remove();
  screen.scrollTop = screen.scrollHeight;
}

/** What the store itself says of its commands. */
function commandHelp(store) {
  const names = store
    .exec("COMMAND", "LIST")
    .map((name) => name.toUpperCase().replace("|", " "))
    .sort();
  const tops = names.filter((name) => !name.includes(" "));

  const about = (name) => {
    const asked = name.toLowerCase().replace(" ", "|");
    const [info] = store.exec("COMMAND", "INFO", asked);
    const [, docs] = store.exec("COMMAND", "DOCS", asked);
    if (info === null || docs === undefined) return undefined;
    const told = new Map();
    for (let at = 0; at + 1 < docs.length; at += 2) told.set(docs[at], docs[at + 1]);
    const arguments_ = Math.abs(info[1]) - 1 - (name.includes(" ") ? 1 : 0);
    const arity = `${info[1] < 0 ? "at least " : ""}${counted(arguments_, "argument")}`;
    return {
      name,
      arity,
      summary: told.get("summary"),
      since: told.get("since"),
      complexity: told.get("complexity"),
    };
  };
  const named = (text) => {
    const [first = "", second = ""] = text.trim().toUpperCase().split(/\s+/);
    return [`${first} ${second}`, first].find((name) => names.includes(name));
  };
  return {
    hint: (text) => {
      const name = named(text);
      if (name !== undefined) {
        const told = about(name);
        return `${name}: ${told.summary}; ${told.arity}.`;
      }
      const near = tops.filter(
        (each) => text.trim() !== "" && each.startsWith(text.trim().toUpperCase()),
      );
      return near.slice(0, 12).join("  ");
    },
    complete: (text) => {
      const near = tops.filter((name) => name.startsWith(text.trim().toUpperCase()));
      return near.length === 0 ? text : near.length === 1 ? `${near[0]} ` : shared(near);
    },
    told: (text) => {
      const name = named(text);
      if (text.trim() === "")
        return ["HELP name tells of a command. These are known:", ...columns(tops)];
      if (name === undefined) return [`There is no command ${text}.`];
      const { summary, arity, since, complexity } = about(name);
      return [
        `${name}: ${summary}`,
        `  ${arity}; since Redis ${since}${complexity === undefined ? "" : `; ${complexity}`}`,
      ];
    },
  };
}

function shared(names) {
  let length = names[0].length;
  for (const name of names) while (!name.startsWith(names[0].slice(0, length))) length -= 1;
  return names[0].slice(0, length);
}

function columns(names) {
  const rows = [];
  for (let at = 0; at < names.length; at += 8) {
    rows.push(
      names
        .slice(at, at + 8)
        .map((name) => name.padEnd(18))
        .join("")
        .trimEnd(),
    );
  }
  return rows;
}
