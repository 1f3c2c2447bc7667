import outlastHealth from "../dist/health.js";

export const { health } = outlastHealth;
