export * from "../dist/node-redis.js";
