import nodeRedis from "../dist/node-redis.js";

export const { createClient, createCluster } = nodeRedis;
