import { load, loadStore } from "outlast-wasm";

globalThis.outlast = { ...(await load()), loadStore, Store: await loadStore() };
