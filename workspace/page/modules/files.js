// Files in messages: what they are, a look into text, the download.

import { fill, h, icon } from "./dom.js";
import { size } from "./times.js";

const SHOWN_LINES = 6;
const MAX_PREVIEW = 200_000;
const _texts = new Map();

/** One file of a message. */
export function fileCard(file) {
  if (file.mode === "tombstone" || file.mode === "hidden_by_limit") {
    return h("div", { class: "file gone" }, icon("file"), h("span", {}, "This file was deleted."));
  }
  const address = file.page_url;
  const isText = file.mimetype?.startsWith("text/") && (file.size ?? 0) <= MAX_PREVIEW;
  const preview = isText ? h("pre", { class: "preview", tabindex: "0", "aria-label": `Contents of ${file.name}` }) : null;
  const more = h("button", { type: "button", class: "link", "aria-expanded": "false", hidden: true });
  const card = h(
    "div",
    { class: "file", data: { file: file.id } },
    h(
      "div",
      { class: "file-head" },
      h("span", { class: "file-mark", "aria-hidden": "true" }, icon("file")),
      h(
        "span",
        { class: "file-words" },
        h("span", { class: "file-name" }, file.title && file.title !== file.name ? `${file.title} (${file.name})` : file.name),
        h("small", {}, [file.pretty_type, size(file.size ?? 0)].filter(Boolean).join(" · ")),
      ),
      h("a", { class: "icon-button", href: address, download: file.name, title: "Download", "aria-label": `Download ${file.name}` }, icon("download")),
    ),
    preview,
    more,
  );
  if (preview) show(address, preview, more);
  return card;
}

async function show(address, preview, more) {
  try {
    if (!_texts.has(address)) _texts.set(address, read(address));
    const lines = (await _texts.get(address)).replace(/\n$/, "").split("\n");
    const few = () => fill(preview, lines.slice(0, SHOWN_LINES).join("\n"));
    few();
    if (lines.length <= SHOWN_LINES) return;
    const label = `Show all ${lines.length} lines`;
    fill(more, label);
    more.hidden = false;
    more.addEventListener("click", () => {
      const opens = more.getAttribute("aria-expanded") === "false";
      more.setAttribute("aria-expanded", String(opens));
      if (opens) fill(preview, lines.join("\n"));
      else few();
      fill(more, opens ? "Show fewer lines" : label);
    });
  } catch {
    _texts.delete(address);
    fill(preview, "The contents cannot be shown.");
  }
}

async function read(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(response.statusText);
  return response.text();
}
