// Where a service says that its status is: the header `X-Outlast-Status: /outlast/status`, or
// `Server-Timing: outlast;desc="/outlast/status"`.

/** The URL of the status, from the header of an answer and the URL that was asked; or nothing. */
export function announced(headers, url) {
  const value = (wanted) => headers.find(({ name }) => name.toLowerCase() === wanted)?.value;
  const timing = value("server-timing")?.match(/(?:^|,)\s*outlast\s*;\s*desc="([^"]*)"/)?.[1];
  const place = value("x-outlast-status") ?? timing;
  if (place === undefined) return undefined;
  try {
    const status = new URL(place, url);
    // What a service announces is its own.
    return status.origin === new URL(url).origin ? status : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a URL leads to this machine, by a name that a content security policy can hold. */
export function isHere({ protocol, hostname }) {
  return protocol === "http:" && ["localhost", "127.0.0.1"].includes(hostname);
}

/** Where the service that this page came from has its status; nothing if it says nothing. */
export async function announcedHere() {
  try {
    const { headers, url } = await fetch(location.pathname, { method: "HEAD", cache: "no-store" });
    const given = [...headers].map(([name, value]) => ({ name, value }));
    return announced(given, url)?.pathname;
  } catch {
    return undefined;
  }
}
