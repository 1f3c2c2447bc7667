export * from "../dist/wrapper.js";
