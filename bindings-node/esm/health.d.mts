export * from "../dist/health.js";
