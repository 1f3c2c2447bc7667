// What can be shared stands in the URL's fragment: `#whatif?profile=production&faults=…`. Only settings
// go there, never what was pasted, typed at the prompt or read from a service.

/** The tab and the settings that the address names. */
export function readAddress() {
  const [tab, query] = location.hash.slice(1).split("?", 2);
  return { tab, settings: new URLSearchParams(query ?? "") };
}

/** Puts a tab and its settings there, without a new entry of the history. */
export function writeAddress(tab, settings = {}) {
  const query = new URLSearchParams(settings).toString();
  history.replaceState(null, "", `#${tab}${query === "" ? "" : `?${query}`}`);
}
