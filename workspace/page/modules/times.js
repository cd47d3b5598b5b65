// Times as people read them. Slack's `ts` is seconds since 1970 as text, with six decimals.

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const PRECISE = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const DAY = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long" });
const FULL = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "medium", hourCycle: "h23" });

export const dateOf = (ts) => new Date(Number(ts) * 1000);
export const clock = (ts) => CLOCK.format(dateOf(ts));
export const precise = (ts) => PRECISE.format(dateOf(ts));
export const full = (ts) => FULL.format(dateOf(ts));
export const dayKey = (ts) => dateOf(ts).toDateString();

/** “Today”, “Yesterday” or the day. */
export function day(ts) {
  const key = dayKey(ts);
  const now = Date.now();
  if (key === new Date(now).toDateString()) return "Today";
  if (key === new Date(now - 86_400_000).toDateString()) return "Yesterday";
  return DAY.format(dateOf(ts));
}

/** “just now”, “5 minutes ago”, “today at 10:32”. */
export function ago(ts) {
  const seconds = Date.now() / 1000 - Number(ts);
  if (seconds < 60) return "just now";
  if (seconds < 3600) return seconds < 120 ? "a minute ago" : `${Math.floor(seconds / 60)} minutes ago`;
  return `${day(ts).toLowerCase()} at ${clock(ts)}`;
}

const PARTS = {
  date_num: { year: "numeric", month: "2-digit", day: "2-digit" },
  date: { year: "numeric", month: "long", day: "numeric" },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  date_long: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  time: { hour: "numeric", minute: "2-digit" },
  time_secs: { hour: "numeric", minute: "2-digit", second: "2-digit" },
};

/** Slack's date format: `{date_short} at {time}` and so on; null if it cannot be read. */
export function formatDate(seconds, format) {
  if (!Number.isFinite(seconds)) return null;
  const date = new Date(seconds * 1000);
  return (format ?? "").replace(/\{([a-z_]+)\}/g, (whole, name) => {
    if (name === "ago") return ago(seconds);
    const base = name.replace(/_pretty$/, "");
    if (name.endsWith("_pretty") && ["Today", "Yesterday"].includes(day(seconds))) return day(seconds).toLowerCase();
    if (base === "date_num") return date.toISOString().slice(0, 10);
    return PARTS[base] ? new Intl.DateTimeFormat("en-US", PARTS[base]).format(date) : whole;
  });
}

/** A size for a person. */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
