// Adds the panel, and tells it where the service of the inspected page has its status: as the service
// announces it with each answer.

import { announced, isHere } from "./announced.js";

/* global chrome */

let panel;
let status;

function tell() {
  if (panel === undefined || status === undefined) return;
  panel.dispatchEvent(new CustomEvent("outlast-status", { detail: status.href }));
}

chrome.devtools.panels.create("outlast", "", "index.html", (created) => {
  created.onShown.addListener((window) => {
    panel = window;
    tell();
  });
});

chrome.devtools.network.onRequestFinished.addListener(({ request, response }) => {
  const found = announced(response.headers, request.url);
  if (found === undefined || !isHere(found) || found.href === status?.href) return;
  status = found;
  tell();
});
