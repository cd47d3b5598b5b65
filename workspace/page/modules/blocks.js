// Block Kit's layout blocks (https://docs.slack.dev/reference/block-kit/blocks).

import { h, icon, unique } from "./dom.js";
import { element, isKnown } from "./elements.js";
import { drawn } from "./emoji.js";
import { markdown } from "./markdown.js";
import { richText } from "./rich_text.js";
import { textObject, words } from "./text_objects.js";

const MAKERS = {
  section,
  header: (block, form) => h("p", { class: "block-header", role: "heading", "aria-level": "3" }, textObject(block.text, form)),
  divider: () => h("hr"),
  context: contextBlock,
  actions,
  context_actions: actions,
  input,
  image: imageBlock,
  rich_text: (block, form) => richText(block, form),
  markdown: (block) => h("div", { class: "markdown" }, markdown(block.text)),
  table,
  video,
  file: (block) => h("p", { class: "file-block" }, icon("file"), `File ${block.external_id ?? block.file_id ?? ""}`),
};

/** The nodes of `blocks`; `form` is described in elements.js. `errors`: by block id. */
export function renderBlocks(blocks, form, errors = {}) {
  return (blocks ?? []).map((block) =>
    h(
      "div",
      { class: `block ${String(block.type).replaceAll("_", "-")}-block`, data: { block: block.block_id ?? "" } },
      Object.hasOwn(MAKERS, block.type) ? MAKERS[block.type](block, form, errors[block.block_id]) : unknown(block),
    ),
  );
}

function unknown(block) {
  return h(
    "details",
    { class: "unknown", open: true },
    h("summary", {}, `A block of the type “${block.type}”`),
    h("pre", {}, JSON.stringify(block, null, 2)),
  );
}

function section(block, form) {
  const accessory = block.accessory ? element(block.accessory, block.block_id, form, { label: accessoryLabel(block) }) : null;
  return h(
    "div",
    { class: "section" },
    h(
      "div",
      { class: "section-text" },
      block.text ? h("div", { class: "text" }, textObject(block.text, form)) : null,
      block.fields?.length
        ? h("div", { class: "fields" }, block.fields.map((field) => h("div", { class: "field" }, textObject(field, form))))
        : null,
    ),
    accessory ? h("div", { class: "accessory" }, accessory) : null,
  );
}

/** Only what has no words of its own takes the section's. */
function accessoryLabel(block) {
  return ["button", "overflow", "image"].includes(block.accessory.type) ? undefined : words(block.text).slice(0, 200);
}

function contextBlock(block, form) {
  return h(
    "div",
    { class: "context" },
    (block.elements ?? []).map((item) =>
      item.type === "image" ? element(item, block.block_id, form) : h("span", {}, textObject(item, form)),
    ),
  );
}

function actions(block, form) {
  return h(
    "div",
    { class: "actions" },
    (block.elements ?? []).map((item) => element(item, block.block_id, form, { label: words(item.placeholder) || undefined })),
  );
}

function input(block, form, error) {
  const label = unique("label");
  const hint = block.hint ? unique("hint") : null;
  const problem = unique("error");
  const describedBy = [hint, error ? problem : null].filter(Boolean).join(" ") || null;
  const labels = { labelledBy: label, describedBy, invalid: Boolean(error) };
  const control = isKnown(block.element)
    ? element(block.element, block.block_id, form, labels, Boolean(block.dispatch_action))
    : unknown(block);
  const inner = control.querySelector("input, select, textarea");
  const isGroup = control.querySelector(".choices");
  if (inner && !isGroup) {
    inner.id = unique("field");
    if (!block.optional) inner.setAttribute("aria-required", "true");
  }
  return h(
    "div",
    { class: error ? "input invalid" : "input" },
    h(
      inner && !isGroup ? "label" : "span",
      { class: "label", id: label, for: inner && !isGroup ? inner.id : null },
      textObject(block.label, form),
      block.optional ? h("span", { class: "optional" }, " (optional)") : null,
    ),
    control,
    h("p", { class: "field-error", id: problem, role: "alert", hidden: !error }, error ?? ""),
    hint ? h("p", { class: "hint", id: hint }, textObject(block.hint, form)) : null,
  );
}

function imageBlock(block, form) {
  return h("figure", {}, block.title ? h("figcaption", {}, textObject(block.title, form)) : null, element({ ...block, type: "image" }, block.block_id, form));
}

function video(block, form) {
  return h(
    "div",
    { class: "video" },
    h("p", {}, h("b", {}, textObject(block.title, form))),
    block.description ? h("p", {}, textObject(block.description, form)) : null,
    h("p", { class: "hint" }, `Video: ${block.alt_text ?? ""}`),
  );
}

function table(block, form) {
  const settings = block.column_settings ?? [];
  const cell = (content, column, tag) => {
    const align = settings[column]?.align;
    const wrapped = settings[column]?.is_wrapped;
    const classes = [align && align !== "left" ? `align-${align}` : "", wrapped ? "wrapped" : ""].join(" ").trim();
    return h(tag, { class: classes || null, scope: tag === "th" ? "col" : null }, cellContent(content, form));
  };
  const [head, ...rows] = block.rows ?? [];
  return h(
    "div",
    { class: "table-frame", tabindex: "0", role: "region", "aria-label": "Table" },
    h(
      "table",
      {},
      head ? h("thead", {}, h("tr", {}, head.map((content, column) => cell(content, column, "th")))) : null,
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((content, column) => cell(content, column, "td"))))),
    ),
  );
}

function cellContent(content, form) {
  if (content?.type === "rich_text") return richText(content, form);
  if (content?.type === "raw_text") return drawn(content.text);
  return content?.text ?? "";
}
