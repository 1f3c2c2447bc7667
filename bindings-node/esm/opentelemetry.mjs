import outlastOpentelemetry from "../dist/opentelemetry.js";

export const { instrument } = outlastOpentelemetry;
