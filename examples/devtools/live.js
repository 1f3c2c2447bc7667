// The status of a running service, asked again and again. It may only be on this page's own host, for the
// page's security policy allows no other; as a panel of the developer tools, on this machine.

import { announcedHere, isHere } from "./announced.js";
import { writeAddress } from "./address.js";
import { byId } from "./element.js";
import { LiveView } from "./live-view.js";
import { timeOfDay } from "./words.js";

/** How long an answer may take. */
const TIMEOUT_MS = 3_000;
/** Beside the page, where `outlast.health` has it. */
const DEFAULT_URL = "status";
/** Without a service of its own, and with leave to ask those of this machine. */
const isPanel = location.protocol === "chrome-extension:";

export function makeLive(outlast, given) {
  const view = new LiveView();
  let timer;
  let failingSince;

  byId("live-url").value = given.get("url") ?? DEFAULT_URL;
  if ([...byId("live-interval").options].some(({ value }) => value === given.get("every"))) {
    byId("live-interval").value = given.get("every");
  }
  const settings = () => ({
    url: withoutSecrets(byId("live-url").value),
    every: byId("live-interval").value,
  });

  const stop = () => {
    clearTimeout(timer);
    timer = undefined;
    byId("live-stop").disabled = true;
  };
  const poll = async (url) => {
    const started = performance.now();
    const own = (timer = setTimeout(() => {}, 0));
    try {
      const answer = await ask(outlast, url);
      if (timer !== own) return;
      failingSince = undefined;
      byId("live-fault").textContent = "";
      view.show(answer, Date.now());
    } catch (error) {
      if (timer !== own) return;
      failingSince ??= Date.now();
      byId("live-fault").textContent =
        `${error.message} Since ${timeOfDay(failingSince)}; asked again every ${byId("live-interval").selectedOptions[0].text}.`;
      view.unreachable();
    }
    const every = Number(byId("live-interval").value);
    timer = setTimeout(() => poll(url), Math.max(0, every - (performance.now() - started)));
  };
  const start = () => {
    stop();
    failingSince = undefined;
    try {
      const url = ownUrl(byId("live-url").value);
      view.clear();
      byId("live-stop").disabled = false;
      poll(url);
    } catch (error) {
      byId("live-fault").textContent = error.message;
    }
  };

  byId("live-form").addEventListener("submit", (event) => {
    event.preventDefault();
    writeAddress("live", settings());
    start();
  });
  byId("live-stop").addEventListener("click", stop);
  // The developer tools tell what the inspected page's service announces.
  addEventListener("outlast-status", ({ detail: url }) => {
    byId("live-url").value = url;
    if (!byId("live").hidden) writeAddress("live", settings());
    start();
  });
  let isNew = true;
  return {
    settings,
    show: async () => {
      if (!isNew) return;
      isNew = false;
      if (given.has("url")) start();
      if (given.has("url") || isPanel) return;
      // A page that a service serves is there to watch it.
      const place = await announcedHere();
      if (place === undefined || !byId("live-stop").disabled) return;
      byId("live-url").value = place;
      start();
    },
    repaint: () => view.repaint(),
    incident: () => view.incident(),
  };
}

/** A URL on this page's own host, or an error that says why it is none. */
function ownUrl(text) {
  let url;
  try {
    url = new URL(text, location.href);
  } catch {
    throw new Error(`“${text}” is no URL. Give a path on this host, such as /health.`);
  }
  if (isPanel && isHere(url)) return url;
  if (isPanel) {
    throw new Error(
      `${url.origin} is not on this machine: give the URL of a status on localhost or 127.0.0.1.`,
    );
  }
  if (url.origin !== location.origin) {
    throw new Error(
      `${url.origin} is another host: this page may only ask ${location.origin}. Serve the page from the service, or the status from here.`,
    );
  }
  return url;
}

/** What may stand in the address: no name and password. */
function withoutSecrets(text) {
  try {
    const url = new URL(text, location.href);
    if (isPanel && isHere(url)) return `${url.origin}${url.pathname}`;
    return url.origin === location.origin ? url.pathname : "";
  } catch {
    return "";
  }
}

/** Asks once: the status and, where the service tells them, its log lines. */
async function ask(outlast, url) {
  let response;
  try {
    response = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    const why =
      error.name === "TimeoutError"
        ? `did not answer in ${TIMEOUT_MS / 1_000} s`
        : "cannot be reached";
    throw new Error(`The service at ${url.pathname} ${why}.`);
  }
  if (!response.ok) throw new Error(`The service at ${url.pathname} answered ${response.status}.`);
  let body;
  try {
    body = await response.json();
  } catch {
    throw new Error(`What ${url.pathname} answers is no JSON.`);
  }
  // Health endpoints wrap it.
  const wrapped = [body?.redis, body?.status].find(
    (part) => typeof part === "object" && part !== null,
  );
  try {
    const status = outlast.parseStatus(JSON.stringify(wrapped ?? body));
    return { status, lines: Array.isArray(body?.lines) ? body.lines : null };
  } catch (error) {
    throw new Error(`What ${url.pathname} answers is no status of outlast: ${error.message}.`);
  }
}
