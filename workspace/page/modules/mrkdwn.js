// Slack's mrkdwn, shown as Slack shows it
// (https://docs.slack.dev/messaging/formatting-message-text).

import { h } from "./dom.js";
import { drawn, emoji } from "./emoji.js";
import { formatDate } from "./times.js";

/** `&amp;`, `&lt;` and `&gt;`, the only escapes that Slack knows; each once. */
export function unescaped(text) {
  return text.replace(/&(amp|lt|gt);/g, (_, name) => ({ amp: "&", lt: "<", gt: ">" })[name]);
}

/** Plain text: escapes and, if asked for, emoji. */
export function plain(text, { withEmoji = true } = {}) {
  const shown = unescaped(text ?? "");
  return withEmoji ? withEmojis(shown) : shown;
}

function withEmojis(text) {
  return text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => emoji(name) ?? whole);
}

/**
 * The nodes of a mrkdwn text. `names` finds users, channels and user groups; `notifies` holds what
 * the message really notifies (ids, `subteam:ID`, `channel`, `here`, `everyone`), or is null where
 * nothing can be notified. `verbatim` leaves bare URLs alone.
 */
export function mrkdwn(text, { names, notifies = null, verbatim = false } = {}) {
  const context = { names, notifies: new Set(notifies ?? []), verbatim };
  const nodes = [];
  // Preformatted text first: nothing else is read inside.
  const parts = (text ?? "").split(/```/);
  const isClosed = parts.length % 2 === 1;
  parts.forEach((part, index) => {
    const last = index === parts.length - 1;
    if (index % 2 === 1 && (isClosed || !last)) {
      nodes.push(h("pre", {}, entitiesAsText(part.replace(/^\n/, "").replace(/\n$/, ""), context)));
    } else if (index % 2 === 1) {
      nodes.push(...quotes(`\`\`\`${part}`, context));
    } else {
      const before = index > 0 ? part.replace(/^\n/, "") : part;
      nodes.push(...quotes(before, context));
    }
  });
  return nodes;
}

function quotes(text, context) {
  const nodes = [];
  const lines = text.split("\n");
  let plainLines = [];
  const flush = () => {
    if (plainLines.length && !(plainLines.length === 1 && plainLines[0] === "" && nodes.length)) {
      plainLines.forEach((line, index) => {
        if (index) nodes.push(h("br"));
        nodes.push(...inline(line, context));
      });
    }
    plainLines = [];
  };
  for (let index = 0; index < lines.length; index += 1) {
    if (lines[index].startsWith("&gt;&gt;&gt;") || lines[index].startsWith(">>>")) {
      flush();
      const rest = lines.slice(index).join("\n").replace(/^(?:&gt;|>){3} ?/, "");
      nodes.push(quote(rest.split("\n"), context));
      return nodes;
    }
    if (/^(?:&gt;|>)/.test(lines[index])) {
      flush();
      const quoted = [];
      while (index < lines.length && /^(?:&gt;|>)/.test(lines[index])) {
        quoted.push(lines[index].replace(/^(?:&gt;|>) ?/, ""));
        index += 1;
      }
      index -= 1;
      nodes.push(quote(quoted, context));
    } else {
      plainLines.push(lines[index]);
    }
  }
  flush();
  return nodes;
}

function quote(lines, context) {
  return h(
    "blockquote",
    {},
    lines.map((line, index) => [index ? h("br") : null, inline(line, context)]),
  );
}

const MARKS = { "*": "b", _: "i", "~": "s" };

/** One line: code, entities, marks, emoji, escapes. */
function inline(text, context) {
  const nodes = [];
  let buffer = "";
  const flush = () => {
    if (buffer) nodes.push(...textNodes(buffer, context));
    buffer = "";
  };
  let index = 0;
  while (index < text.length) {
    const character = text[index];
    const previous = index ? text[index - 1] : "";
    if (character === "<") {
      const end = text.indexOf(">", index);
      if (end > 0) {
        flush();
        nodes.push(entity(text.slice(index + 1, end), context));
        index = end + 1;
        continue;
      }
    }
    if (character === "`") {
      const end = text.indexOf("`", index + 1);
      if (end > index + 1) {
        flush();
        nodes.push(h("code", {}, entitiesAsText(text.slice(index + 1, end), context)));
        index = end + 1;
        continue;
      }
    }
    if (MARKS[character] && opens(text, index, previous)) {
      const end = closing(text, index);
      if (end > 0) {
        flush();
        nodes.push(h(MARKS[character], {}, inline(text.slice(index + 1, end), context)));
        index = end + 1;
        continue;
      }
    }
    buffer += character;
    index += 1;
  }
  flush();
  return nodes;
}

function opens(text, index, previous) {
  const next = text[index + 1];
  return isBoundary(previous) && next !== undefined && !/\s/.test(next) && next !== text[index];
}

function closing(text, start) {
  const mark = text[start];
  for (let index = start + 1; index < text.length; index += 1) {
    if (text[index] === "<") {
      const end = text.indexOf(">", index);
      if (end > 0) index = end;
      continue;
    }
    if (text[index] === "`") {
      const end = text.indexOf("`", index + 1);
      if (end > 0) index = end;
      continue;
    }
    if (text[index] === mark && index > start + 1 && !/\s/.test(text[index - 1])) {
      if (isBoundary(text[index + 1] ?? "")) return index;
    }
  }
  return -1;
}

/** Marks count at the edges of words alone: `a_b_c` and `2*3*4` stay as they are. */
function isBoundary(character) {
  return character === "" || !/[\p{L}\p{N}]/u.test(character);
}

function textNodes(text, context) {
  const shown = withEmojis(text);
  if (context.verbatim) return drawn(unescaped(shown));
  const nodes = [];
  let last = 0;
  for (const match of shown.matchAll(/https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]]/g)) {
    nodes.push(...drawn(unescaped(shown.slice(last, match.index))), link(unescaped(match[0])));
    last = match.index + match[0].length;
  }
  return [...nodes, ...drawn(unescaped(shown.slice(last)))];
}

/** What stands between `<` and `>`. */
function entity(content, context) {
  const [target, ...labels] = content.split("|");
  const label = labels.length ? unescaped(labels.join("|")) : null;
  const { names } = context;
  if (/^@[UW]/.test(target)) {
    const id = target.slice(1);
    return mention(`@${names.user(id) ?? label ?? id}`, id, context);
  }
  if (/^#C/.test(target)) {
    const id = target.slice(1);
    return h("span", { class: "mention channel-mention", data: { channel: id } }, `#${names.channel(id) ?? label ?? id}`);
  }
  if (target.startsWith("!subteam^")) {
    const id = target.slice("!subteam^".length);
    return mention(`@${names.group(id) ?? label?.replace(/^@/, "") ?? id}`, `subteam:${id}`, context);
  }
  if (/^!(here|channel|everyone)$/.test(target)) {
    return mention(`@${target.slice(1)}`, target.slice(1), context);
  }
  if (target.startsWith("!date^")) {
    const [, seconds, format, url] = target.split("^");
    const shown = formatDate(Number(seconds), format) ?? label ?? "";
    return url ? link(unescaped(url), shown) : h("time", {}, shown);
  }
  if (/^(https?|mailto|tel|slack):/i.test(target)) {
    return link(unescaped(target), label ?? undefined);
  }
  return unescaped(`<${content}>`);
}

/** Inside code Slack shows entities by their label, without formatting. */
function entitiesAsText(text, context) {
  return text
    .split(/(<[^>\n]*>)/)
    .map((part) => (part.startsWith("<") && part.endsWith(">") ? entity(part.slice(1, -1), context) : unescaped(part)))
    .map((part) => (part instanceof Node ? part.textContent : part))
    .join("");
}

/** A mention. One that notifies somebody looks different from one that only reads like it. */
export function mention(text, target, { notifies }) {
  const really = notifies.has(target);
  return h(
    "span",
    { class: really ? "mention notifies" : "mention", title: really ? "This mention notifies" : "This mention notifies nobody" },
    text,
  );
}

/** A link that opens elsewhere; only addresses that a browser may open safely are links. */
export function link(url, label = url) {
  if (!/^(https?|mailto|tel):/i.test(url)) return h("span", { class: "dead-link", title: url }, label);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer", title: label === url ? null : url }, label);
}
