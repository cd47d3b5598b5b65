// The `markdown` block: standard Markdown, as far as Slack shows it
// (https://docs.slack.dev/reference/block-kit/blocks/markdown-block).

import { h } from "./dom.js";
import { drawn, emoji } from "./emoji.js";
import { link } from "./mrkdwn.js";

/** The nodes of a Markdown text. */
export function markdown(text) {
  const lines = (text ?? "").split("\n");
  const nodes = [];
  let index = 0;
  const take = (matches) => {
    const taken = [];
    while (index < lines.length && matches(lines[index])) taken.push(lines[(index += 1) - 1]);
    return taken;
  };
  while (index < lines.length) {
    const line = lines[index];
    const fence = /^\s*```/.test(line);
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    if (fence) {
      index += 1;
      const code = take((next) => !/^\s*```/.test(next));
      index += 1;
      nodes.push(h("pre", {}, code.join("\n")));
    } else if (heading) {
      index += 1;
      nodes.push(h("p", { class: "markdown-heading", role: "heading", "aria-level": heading[1].length + 2 }, inline(heading[2])));
    } else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) {
      index += 1;
      nodes.push(h("hr"));
    } else if (/^\s*>/.test(line)) {
      nodes.push(h("blockquote", {}, markdown(take((next) => /^\s*>/.test(next)).map((next) => next.replace(/^\s*> ?/, "")).join("\n"))));
    } else if (/^\s*[-*+]\s+/.test(line)) {
      nodes.push(h("ul", {}, take((next) => /^\s*[-*+]\s+/.test(next)).map((next) => h("li", {}, inline(next.replace(/^\s*[-*+]\s+/, ""))))));
    } else if (/^\s*\d+[.)]\s+/.test(line)) {
      nodes.push(h("ol", {}, take((next) => /^\s*\d+[.)]\s+/.test(next)).map((next) => h("li", {}, inline(next.replace(/^\s*\d+[.)]\s+/, ""))))));
    } else if (isTable(lines, index)) {
      nodes.push(table(take((next) => next.includes("|"))));
    } else if (line.trim() === "") {
      index += 1;
    } else {
      const starts = /^(\s*```|#{1,6}\s|\s*>|\s*[-*+]\s+|\s*\d+[.)]\s+|\s*$)/;
      const first = lines[index];
      index += 1;
      const paragraph = [first, ...take((next) => !starts.test(next))];
      nodes.push(h("p", {}, paragraph.map((part, number) => [number ? h("br") : null, inline(part)])));
    }
  }
  return nodes;
}

function isTable(lines, index) {
  return lines[index].includes("|") && /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(lines[index + 1] ?? "");
}

function table(lines) {
  const rows = lines.map((line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim()));
  const row = (cells, tag) => h("tr", {}, cells.map((cell) => h(tag, {}, inline(cell))));
  return h("div", { class: "table-frame" }, h("table", {}, h("thead", {}, row(rows[0], "th")), h("tbody", {}, rows.slice(2).map((cells) => row(cells, "td")))));
}

const INLINE = [
  [/^`([^`]+)`/, (match) => h("code", {}, match[1])],
  [/^\*\*(\S(?:.*?\S)?)\*\*/, (match) => h("b", {}, inline(match[1]))],
  [/^__(\S(?:.*?\S)?)__/, (match) => h("b", {}, inline(match[1]))],
  [/^~~(\S(?:.*?\S)?)~~/, (match) => h("s", {}, inline(match[1]))],
  [/^\*(\S(?:.*?\S)?)\*/, (match) => h("i", {}, inline(match[1]))],
  [/^\[([^\]]+)\]\(([^)\s]+)\)/, (match) => link(match[2], match[1])],
  [/^<(https?:[^>\s]+)>/, (match) => link(match[1])],
  [/^https?:\/\/[^\s<>]*[^\s<>.,;:!?)]/, (match) => link(match[0])],
  [/^:([a-z0-9_+-]+):/, (match) => emoji(match[1]) ?? match[0]],
  [/^\\([\\`*_{}[\]()#+\-.!|<>~])/, (match) => match[1]],
];

function inline(text) {
  const nodes = [];
  let buffer = "";
  let rest = text;
  while (rest) {
    const found = INLINE.map(([pattern, make]) => [pattern.exec(rest), make]).find(([match]) => match);
    if (found) {
      nodes.push(...drawn(buffer), found[1](found[0]));
      buffer = "";
      rest = rest.slice(found[0][0].length);
    } else {
      buffer += rest[0];
      rest = rest.slice(1);
    }
  }
  return [...nodes, ...drawn(buffer)];
}
