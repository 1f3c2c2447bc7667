// The policy on the left of What if: a field for each knob, from the core's own table.

import { byId, make } from "./element.js";

/** The words of the knobs that are a choice: the table names units and ranges only. */
const CHOICES = {
  startup: ["optional", "required"],
  on_ambiguous: ["error", "local"],
  on_guarded: ["refuse", "serve"],
  journal_fsync: ["always", "interval", "never"],
  cluster_read_from: ["primary", "replica"],
};
/** Knobs that no simulation shows; they stand apart. */
const UNSEEN = [
  "on_ambiguous",
  "on_guarded",
  "connections_max",
  "in_flight_max",
  "unsent_bytes_max",
  "store_bytes_max",
  "journal_bytes_max",
  "journal_fsync",
  "journal_fsync_interval_ms",
  "retry_quota_percent",
  "retry_quota_burst",
  "reply_bytes_max",
  "cluster_refresh_ms",
  "cluster_redirects_max",
  "cluster_read_from",
  "outage_path",
  "log_path",
  "record_path",
  "record_bytes_max",
];

/** Builds the form. `onChange` is told of each change; answers how to read it, and how to show another. */
export function makePolicy(outlast, settings, onChange) {
  const profile = byId("profile");
  const knobs = outlast.knobs();
  const fields = new Map(knobs.map((knob) => [knob.name, field(knob)]));
  const more = make("details", {}, make("summary", {}, "Knobs that no simulation shows"));
  byId("knobs").replaceChildren(
    ...knobs.filter(({ name }) => !UNSEEN.includes(name)).map(({ name }) => fields.get(name).row),
    more,
  );
  more.append(...UNSEEN.map((name) => fields.get(name).row));

  const defaults = () => outlast.policy({ profile: profile.value });
  const reset = () => {
    const policy = defaults();
    for (const [name, { set }] of fields) set(policy[name]);
  };
  const read = () => {
    const policy = defaults();
    const options = { profile: profile.value };
    for (const [name, { row, value }] of fields) {
      const isOwn = String(value()) !== String(policy[name]);
      row.classList.toggle("own", isOwn);
      if (isOwn) options[name] = value();
    }
    return options;
  };

  if ([...profile.options].some(({ value }) => value === settings.get("profile"))) {
    profile.value = settings.get("profile");
  }
  reset();
  for (const [name, { set }] of fields) if (settings.has(name)) set(settings.get(name));
  profile.addEventListener("change", () => {
    reset();
    onChange();
  });
  byId("knobs").addEventListener("input", onChange);
  byId("policy-reset").addEventListener("click", () => {
    reset();
    onChange();
  });
  byId("policy").addEventListener("submit", (event) => event.preventDefault());
  const show = (policy) => {
    profile.value = policy.profile;
    for (const [name, { set }] of fields) set(policy[name]);
    read();
  };
  return { read, show };
}

function field({ name, unit, min, max, meaning }) {
  const id = `knob-${name}`;
  const words = name.replaceAll("_", " ").replace(/ (ms|percent|bytes)\b/g, "");
  const label = make("label", { htmlFor: id, title: meaning }, words);
  if (unit === "flag") {
    const input = make("input", { id, type: "checkbox", title: meaning });
    return row(
      label,
      input,
      "",
      () => input.checked,
      (value) => (input.checked = String(value) === "true"),
    );
  }
  if (unit === "choice") {
    const options = CHOICES[name].map((word) => make("option", {}, word));
    const input = make("select", { id, title: meaning }, ...options);
    return row(
      label,
      input,
      "",
      () => input.value,
      (value) => (input.value = value),
    );
  }
  if (unit === "text") {
    const input = make("input", { id, type: "text", maxLength: max, title: meaning });
    return row(
      label,
      input,
      "",
      () => input.value,
      (value) => (input.value = value),
    );
  }
  const range = `${short(min)} to ${short(max)}${unit === "count" ? "" : ` ${unit}`}`;
  const input = make("input", {
    id,
    type: "number",
    min,
    max,
    step: 1,
    title: `${meaning} ${range}.`,
  });
  // What is no number is left to the core, which names the field and what is allowed.
  return row(
    label,
    input,
    unit === "count" ? "" : unit,
    () => input.value,
    (value) => (input.value = value),
    range,
  );
}

function row(label, input, unit, value, set, range) {
  const parts = [
    label,
    input,
    make("span", { className: "unit" }, unit === "percent" ? "%" : unit),
  ];
  if (range !== undefined) {
    const id = `${input.id}-range`;
    parts.push(make("span", { id, className: "range" }, range));
    input.setAttribute("aria-describedby", id);
  }
  return { row: make("div", { className: "knob" }, ...parts), value, set };
}

function short(number) {
  if (number >= 1_073_741_824 && number % 1_073_741_824 === 0)
    return `${number / 1_073_741_824} Gi`;
  return number.toLocaleString("en-US");
}
