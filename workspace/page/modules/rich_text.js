// The `rich_text` block (https://docs.slack.dev/reference/block-kit/blocks/rich-text-block).

import { h } from "./dom.js";
import { drawn, emoji } from "./emoji.js";
import { link, mention, unescaped } from "./mrkdwn.js";
import { formatDate } from "./times.js";

/** The nodes of a rich text. */
export function richText(block, context) {
  return h("div", { class: "rich-text" }, (block.elements ?? []).map((element) => part(element, context)));
}

function part(element, context) {
  const inner = () => (element.elements ?? []).map((item) => piece(item, context));
  switch (element.type) {
    case "rich_text_section":
      return h("div", {}, inner());
    case "rich_text_preformatted":
      return h("pre", {}, inner());
    case "rich_text_quote":
      return h("blockquote", {}, inner());
    case "rich_text_list":
      return h(
        element.style === "ordered" ? "ol" : "ul",
        { class: `indent-${Math.min(element.indent ?? 0, 8)}`, start: element.offset ? element.offset + 1 : null },
        (element.elements ?? []).map((item) => h("li", {}, part(item, context))),
      );
    default:
      return h("pre", { class: "unknown" }, JSON.stringify(element, null, 2));
  }
}

function piece(item, context) {
  const { names } = context;
  const marks = { notifies: new Set(context.notifies ?? []) };
  switch (item.type) {
    case "text":
      return styled(drawn(unescaped(item.text ?? "")), item.style);
    case "link":
      return styled(link(item.url, item.text ? unescaped(item.text) : item.url), item.style);
    case "user":
      return styled(mention(`@${names.user(item.user_id) ?? item.user_id}`, item.user_id, marks), item.style);
    case "usergroup":
      return mention(`@${names.group(item.usergroup_id) ?? item.usergroup_id}`, `subteam:${item.usergroup_id}`, marks);
    case "broadcast":
      return mention(`@${item.range}`, item.range, marks);
    case "channel":
      return h("span", { class: "mention channel-mention" }, `#${names.channel(item.channel_id) ?? item.channel_id}`);
    case "emoji":
      return drawn(emoji(item.name) ?? `:${item.name}:`);
    case "date":
      return h("time", {}, formatDate(item.timestamp, item.format) ?? item.fallback ?? "");
    case "color":
      return h("code", {}, item.value);
    default:
      return h("code", { class: "unknown" }, JSON.stringify(item));
  }
}

function styled(node, style = {}) {
  let shown = node;
  if (style.code) shown = h("code", {}, shown);
  if (style.bold) shown = h("b", {}, shown);
  if (style.italic) shown = h("i", {}, shown);
  if (style.strike) shown = h("s", {}, shown);
  if (style.underline) shown = h("u", {}, shown);
  return shown;
}
