import outlastPrometheus from "../dist/prometheus.js";

export const { register } = outlastPrometheus;
