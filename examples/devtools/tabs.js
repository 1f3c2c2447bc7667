// Tabs as the ARIA practices have them: one stop for Tab, arrows move between, Home and End.

import { byId } from "./element.js";

/** Makes the tabs work; `onShow(name)` is told of each that is shown. Answers how to show one. */
export function makeTabs(onShow) {
  const tabs = [...byId("tabs").children];

  const show = (name) => {
    for (const tab of tabs) {
      const panel = byId(tab.getAttribute("aria-controls"));
      const isShown = panel.id === name;
      tab.setAttribute("aria-selected", String(isShown));
      tab.tabIndex = isShown ? 0 : -1;
      panel.hidden = !isShown;
    }
    onShow(name);
  };

  tabs.forEach((tab, place) => {
    tab.addEventListener("click", () => show(tab.getAttribute("aria-controls")));
    tab.addEventListener("keydown", ({ key }) => {
      const last = tabs.length - 1;
      const places = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: last };
      if (!(key in places)) return;
      const next = tabs[(places[key] + tabs.length) % tabs.length];
      next.focus();
      next.click();
    });
  });
  const names = tabs.map((tab) => tab.getAttribute("aria-controls"));
  return (name) => show(names.includes(name) ? name : names[0]);
}

/** The switch between light, dark and what the system says; `onChange` redraws what is painted. */
export function makeTheme(onChange) {
  const choice = byId("theme");
  choice.addEventListener("change", () => {
    document.documentElement.dataset.theme = choice.value;
    onChange();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", onChange);
}
