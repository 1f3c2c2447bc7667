// Puts outlast on the console and the tools behind their tabs. The page never dials Redis: it computes,
// and asks services on its own host for their status.

import { readAddress, writeAddress } from "./address.js";
import { makeClassify } from "./classify.js";
import { makeConsole } from "./console.js";
import { byId } from "./element.js";
import { makeLive } from "./live.js";
import { makeLog } from "./log.js";
import { makeTabs, makeTheme } from "./tabs.js";
import { load, loadStore } from "./vendor/outlast/dist/index.js";
import { makeWhatIf } from "./whatif.js";

const outlast = await load().catch((error) => {
  byId("ready").textContent = `outlast could not be loaded: ${error.message}`;
  throw error;
});
// Once the Redis in memory is loaded too, it is there as `outlast.Store`.
globalThis.outlast = { ...outlast, loadStore: storeOnConsole };

async function storeOnConsole() {
  globalThis.outlast.Store ??= await loadStore();
  return globalThis.outlast.Store;
}

const { tab, settings } = readAddress();
const live = makeLive(outlast, tab === "live" ? settings : new URLSearchParams());
const whatIf = makeWhatIf(outlast, tab === "whatif" ? settings : new URLSearchParams());
const tools = {
  live,
  whatif: whatIf,
  classify: makeClassify(outlast),
  console: makeConsole(storeOnConsole),
  log: makeLog(outlast, { simulated: whatIf.incident, live: live.incident }),
};

const show = makeTabs((name) => {
  writeAddress(name, tools[name].settings?.());
  tools[name].show?.();
});
makeTheme(() => Object.values(tools).forEach((tool) => tool.repaint?.()));
show(tab);
byId("ready").textContent =
  `Version ${outlast.version()} is on the browser's console as outlast: try outlast.classify("READONLY …").`;
