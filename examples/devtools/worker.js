// The worker: classifies long texts and simulates, with an outlast of its own.

import { beginning } from "./field.js";
import { fleet } from "./fleet.js";
import { classifyLines } from "./lines.js";
import { asSimulation } from "./recording.js";
import { load } from "./vendor/outlast/dist/index.js";

const loading = load();

const TASKS = {
  classify: (outlast, text, progress) => classifyLines(outlast, text, progress),
  simulate: (outlast, { options, scenario }) => outlast.simulate(options, scenario),
  replay: (outlast, text) => asSimulation(outlast.replay(text)),
  log: (outlast, text) => {
    const { corrected, ...checked } = outlast.checkLog(text);
    // A long text is handed over without being copied.
    return { ...checked, shown: beginning(corrected), corrected: new Blob([corrected]) };
  },
  fleet: (outlast, input, progress) => fleet(outlast, input, progress),
};

addEventListener("message", async ({ data: { number, name, input } }) => {
  try {
    const outlast = await loading;
    const answer = TASKS[name](outlast, input, (progress) => postMessage({ number, progress }));
    postMessage({ number, answer });
  } catch (error) {
    const { name: kind, message, code } = error;
    postMessage({ number, error: { name: kind, message, code } });
  }
});
