import wrapper from "../dist/wrapper.js";

export const { closeRedis, getRedis, healthCheck } = wrapper;
