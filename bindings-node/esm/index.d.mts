export * from "../dist/index.js";
export { Redis as default } from "../dist/index.js";
