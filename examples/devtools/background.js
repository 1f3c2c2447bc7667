// Runs what takes long in a worker, so that the page never stands still.

let worker;
let number = 0;
const waiting = new Map();

// The page's policy lets scripts come from named addresses only: this one.
const address = { createScriptURL: () => new URL("worker.js", import.meta.url).href };
const trusted = globalThis.trustedTypes?.createPolicy("outlast-worker", address) ?? address;

function start() {
  worker = new Worker(trusted.createScriptURL(""), { type: "module" });
  worker.addEventListener("message", ({ data }) => {
    const task = waiting.get(data.number);
    if (task === undefined) return;
    if ("progress" in data) {
      task.onProgress?.(data.progress);
      return;
    }
    waiting.delete(data.number);
    if ("error" in data) task.reject(Object.assign(new Error(data.error.message), data.error));
    else task.resolve(data.answer);
  });
  worker.addEventListener("error", (event) => {
    const error = new Error(`the worker failed: ${event.message || "it could not be loaded"}`);
    for (const task of waiting.values()) task.reject(error);
    waiting.clear();
    worker = undefined;
  });
}

/** Runs one of the worker's tasks. Its errors are outlast's. */
export function inBackground(name, input, onProgress) {
  if (worker === undefined) start();
  number += 1;
  worker.postMessage({ number, name, input });
  return new Promise((resolve, reject) => waiting.set(number, { resolve, reject, onProgress }));
}

/** Lets only the latest of several runs be answered: earlier ones resolve to nothing. */
export function latestOf(name) {
  let current = 0;
  return async (input, onProgress) => {
    current += 1;
    const own = current;
    const isCurrent = () => own === current;
    try {
      const answer = await inBackground(name, input, (progress) => {
        if (isCurrent()) onProgress?.(progress);
      });
      return isCurrent() ? answer : undefined;
    } catch (error) {
      if (isCurrent()) throw error;
      return undefined;
    }
  };
}
