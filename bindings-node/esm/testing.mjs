import testing from "../dist/testing.js";

export const { Outage, causeOutage } = testing;
