import { load } from "outlast-wasm";

globalThis.outlast = await load();
