// Emoji by Slack's short names, as far as apps use them; others stay as they are written.

import { h } from "./dom.js";

const EMOJI = {
  white_check_mark: "✅", heavy_check_mark: "✔️", ballot_box_with_check: "☑️", x: "❌", no_entry: "⛔",
  no_entry_sign: "🚫", warning: "⚠️", information_source: "ℹ️", rotating_light: "🚨", bulb: "💡",
  lock: "🔒", unlock: "🔓", key: "🔑", old_key: "🗝️", closed_lock_with_key: "🔐", shield: "🛡️",
  page_facing_up: "📄", page_with_curl: "📃", scroll: "📜", clipboard: "📋", memo: "📝", pencil: "📝",
  pencil2: "✏️", paperclip: "📎", link: "🔗", inbox_tray: "📥", outbox_tray: "📤", package: "📦",
  file_folder: "📁", open_file_folder: "📂", card_index_dividers: "🗂️", label: "🏷️", ticket: "🎫",
  hourglass: "⌛", hourglass_flowing_sand: "⏳", stopwatch: "⏱️", clock1: "🕐", alarm_clock: "⏰",
  calendar: "📆", date: "📅", mag: "🔍", mag_right: "🔎", eyes: "👀", wave: "👋", tada: "🎉",
  "+1": "👍", thumbsup: "👍", "-1": "👎", thumbsdown: "👎", ok_hand: "👌", pray: "🙏", raised_hands: "🙌",
  clap: "👏", muscle: "💪", point_right: "👉", point_left: "👈", point_up: "☝️", point_down: "👇",
  rocket: "🚀", fire: "🔥", star: "⭐", sparkles: "✨", zap: "⚡", boom: "💥", bug: "🐛", wrench: "🔧",
  hammer: "🔨", hammer_and_wrench: "🛠️", gear: "⚙️", electric_plug: "🔌", computer: "💻",
  desktop_computer: "🖥️", satellite_antenna: "📡", globe_with_meridians: "🌐", cloud: "☁️",
  office: "🏢", house: "🏠", books: "📚", book: "📖", question: "❓", grey_question: "❔",
  exclamation: "❗", grey_exclamation: "❕", bell: "🔔", no_bell: "🔕", speech_balloon: "💬",
  robot_face: "🤖", evergreen_tree: "🌲", deciduous_tree: "🌳", seedling: "🌱", herb: "🌿",
  red_circle: "🔴", large_red_circle: "🔴", large_orange_circle: "🟠", large_yellow_circle: "🟡",
  large_green_circle: "🟢", large_blue_circle: "🔵", large_purple_circle: "🟣", white_circle: "⚪",
  black_circle: "⚫", large_green_square: "🟩", large_yellow_square: "🟨", large_red_square: "🟥",
  arrow_right: "➡️", arrow_left: "⬅️", arrow_up: "⬆️", arrow_down: "⬇️", arrows_counterclockwise: "🔄",
  repeat: "🔁", leftwards_arrow_with_hook: "↩️", arrow_right_hook: "↪️", heavy_plus_sign: "➕",
  heavy_minus_sign: "➖", one: "1️⃣", two: "2️⃣", three: "3️⃣", four: "4️⃣", five: "5️⃣",
  test_tube: "🧪", factory: "🏭", construction: "🚧", octagonal_sign: "🛑", stop_sign: "🛑",
  smile: "😄", slightly_smiling_face: "🙂", disappointed: "😞", thinking_face: "🤔", heart: "❤️",
  bust_in_silhouette: "👤", busts_in_silhouette: "👥", envelope: "✉️", email: "📧", telephone_receiver: "📞",
  identification_card: "🪪", wastebasket: "🗑️", see_no_evil: "🙈", broken_heart: "💔", check: "✔️",
};

/** The characters of a short name, or null. */
export function emoji(name) {
  return Object.hasOwn(EMOJI, name) ? EMOJI[name] : null;
}

/** Those that this page draws itself, by their characters without a variation selector. */
const DRAWN = {
  "✅": "check", "☑": "check", "✔": "check", "⚠": "warning", "⛔": "stop", "🚫": "stop", "🛑": "stop", "❌": "cross",
  "🔁": "repeat", "🔄": "repeat", "⏳": "hourglass", "⌛": "hourglass", "ℹ": "info", "🔑": "key", "🔒": "lock",
  "🔐": "lock", "🟢": "green", "🟡": "yellow", "🟠": "yellow", "🔴": "red", "🚨": "red", "🔵": "blue", "⚪": "white",
  "💡": "bulb", "❓": "question", "📨": "envelope", "✉": "envelope", "🛠": "tools", "🔧": "tools", "📦": "package",
  "📎": "clip", "📄": "page", "📃": "page", "🆕": "new", "🟰": "equals", "➕": "plus", "🔗": "link", "🔎": "search",
  "🔍": "search", "💬": "speech", "🎫": "ticket",
};
const PATTERN = new RegExp(`(${Object.keys(DRAWN).join("|")})\uFE0F?`, "gu");

/** `text` with its emoji drawn: a list of texts and nodes. */
export function drawn(text) {
  const nodes = [];
  let last = 0;
  for (const match of text.matchAll(PATTERN)) {
    nodes.push(text.slice(last, match.index), h("span", { class: `emoji emoji-${DRAWN[match[1]]}` }, match[0]));
    last = match.index + match[0].length;
  }
  return [...nodes, text.slice(last)].filter((node) => node !== "");
}
