// One message.

import * as api from "./api.js";
import { renderBlocks } from "./blocks.js";
import { ask, toast } from "./dialogs.js";
import { append, fill, h, icon, iconButton, unique } from "./dom.js";
import { openBeside } from "./element_parts.js";
import { emoji } from "./emoji.js";
import { fileCard } from "./files.js";
import { mrkdwn, unescaped } from "./mrkdwn.js";
import { avatar } from "./people.js";
import { isReply } from "./store.js";
import { ago, clock, full } from "./times.js";

const GROUPED_SECONDS = 300;

/** Whether `message` is shown under `previous` without a head of its own. */
export function isGrouped(message, previous) {
  return Boolean(
    previous &&
      previous.user === message.user &&
      !previous.subtype?.startsWith("channel_") &&
      Boolean(previous.ephemeral) === Boolean(message.ephemeral) &&
      Number(message.ts) - Number(previous.ts) < GROUPED_SECONDS,
  );
}

/**
 * The node of a message. `place`: the store, its channel, `inThread`, `grouped`, and `openThread`
 * (a function).
 */
export function messageNode(message, place) {
  const { store, channel, grouped } = place;
  const user = store.users.get(message.user);
  const name = message.bot_id ? (message.username ?? message.bot_profile?.name) : (store.names.user(message.user) ?? message.user);
  const isNotice = message.subtype?.startsWith("channel_");
  const node = h(
    "article",
    {
      class: ["message", grouped && "grouped", message.ephemeral && "ephemeral", isNotice && "notice", reaches(message, store) && "reaches-me"].filter(Boolean).join(" "),
      data: { ts: message.ts, user: message.user },
      "aria-label": `${name}, ${clock(message.ts)}`,
    },
  );
  const content = h("div", { class: "content" });
  fillContent(content, message, place);
  append(node, [
    h(
      "div",
      { class: "gutter" },
      grouped ? h("time", { class: "hover-time", title: full(message.ts) }, clock(message.ts)) : avatar(user, Boolean(message.bot_id)),
    ),
    h(
      "div",
      { class: "message-body" },
      message.ephemeral ? h("p", { class: "only-you" }, icon("eye"), "Only visible to you") : null,
      grouped
        ? null
        : h(
            "div",
            { class: "message-head" },
            h("b", { class: "author" }, name),
            message.bot_id ? h("span", { class: "badge" }, "APP") : null,
            user?.is_external ? h("span", { class: "badge external", title: "From another company (Slack Connect)" }, "EXTERNAL") : null,
            h("time", { title: full(message.ts) }, clock(message.ts)),
          ),
      content,
    ),
    message.ephemeral || isNotice ? null : toolbar(message, place, content),
  ]);
  return node;
}

function reaches(message, store) {
  return (message.notifies ?? []).some(
    (target) =>
      target === store.me.id ||
      ["channel", "here", "everyone"].includes(target) ||
      (target.startsWith("subteam:") && store.groups.get(target.slice(8))?.members?.includes(store.me.id)),
  );
}

function fillContent(content, message, place) {
  const { store, channel, inThread, openThread } = place;
  const key = `${channel}:${message.ts}`;
  const container = { channel, ts: message.ts };
  const form = store.form(key, container, message.notifies ?? []);
  const edited = message.edited ? h("span", { class: "edited", title: full(message.edited.ts) }, " (edited)") : null;
  if (message.blocks?.length) {
    store.trim(key, message.blocks);
    fill(content, renderBlocks(message.blocks, form), edited);
  } else {
    fill(content, message.text || edited ? h("div", { class: "text" }, mrkdwn(message.text, form), edited) : null);
  }
  append(content, [
    (message.attachments ?? []).map((attachment) => attachmentNode(attachment, form)),
    message.files?.length ? h("div", { class: "files" }, message.files.map(fileCard)) : null,
    message.reactions?.length ? reactions(message, place) : null,
    !inThread && message.reply_count ? threadSummary(message, store, openThread) : null,
    !inThread && isReply(message)
      ? h("button", { type: "button", class: "link", on: { click: () => openThread(message.thread_ts) } }, "Sent from a thread: show it")
      : null,
  ]);
}

function attachmentNode(attachment, form) {
  return h(
    "div",
    { class: "attachment", data: { colour: attachment.color ?? "" } },
    attachment.pretext ? h("div", {}, mrkdwn(attachment.pretext, form)) : null,
    attachment.title ? h("b", {}, mrkdwn(attachment.title, form)) : null,
    attachment.text ? h("div", { class: "text" }, mrkdwn(attachment.text, form)) : null,
    attachment.fields ? h("div", { class: "fields" }, attachment.fields.map((field) => h("div", { class: "field" }, h("b", {}, field.title), h("br"), mrkdwn(field.value, form)))) : null,
    attachment.blocks ? renderBlocks(attachment.blocks, form) : null,
    !attachment.text && !attachment.blocks ? (attachment.fallback ?? null) : null,
  );
}

function reactions(message, { store }) {
  return h(
    "div",
    { class: "reactions" },
    message.reactions.map((reaction) =>
      h(
        "span",
        { class: "reaction", title: `${reaction.users.map((id) => store.names.user(id) ?? id).join(", ")} reacted with :${reaction.name}:` },
        emoji(reaction.name) ?? `:${reaction.name}:`,
        " ",
        reaction.count,
      ),
    ),
  );
}

function threadSummary(message, store, openThread) {
  return h(
    "button",
    { type: "button", class: "thread-summary", on: { click: () => openThread(message.ts) } },
    h("span", { class: "thread-faces" }, (message.reply_users ?? []).slice(0, 4).map((id) => avatar(store.users.get(id)))),
    h("b", {}, message.reply_count === 1 ? "1 reply" : `${message.reply_count} replies`),
    h("small", {}, `Last reply ${ago(message.latest_reply)}`),
  );
}

function toolbar(message, place, content) {
  const { store, channel, inThread, openThread } = place;
  const id = unique("menu");
  const opener = h(
    "button",
    { type: "button", class: "icon-button", "aria-haspopup": "menu", "aria-label": "More actions", title: "More actions", popovertarget: id },
    icon("more"),
  );
  const item = (text, onClick, extra = {}) =>
    h(
      "button",
      {
        type: "button",
        role: "menuitem",
        ...extra,
        on: {
          click: () => {
            menu.hidePopover();
            onClick();
          },
        },
      },
      text,
    );
  const shortcuts = (store.app?.shortcuts ?? []).filter((shortcut) => shortcut.type === "message");
  const menu = h("div", { class: "menu", role: "menu", id, popover: "auto", "aria-label": "More actions" },
    shortcuts.map((shortcut) => item([h("span", {}, shortcut.name), h("small", {}, store.app.name)], () => runShortcut(store, shortcut, channel, message.ts))),
    item("Copy text", () => navigator.clipboard?.writeText(unescaped(message.text ?? ""))),
    store.isMine(message)
      ? [
          h("hr", { role: "separator" }),
          item("Edit message", () => edit(message, place, content)),
          item("Delete message …", () => remove(message, place), { class: "dangerous" }),
        ]
      : null,
  );
  openBeside(menu, opener);
  return h(
    "div",
    { class: "toolbar" },
    inThread ? null : iconButton("reply", "Reply in thread", () => openThread(message.thread_ts || message.ts)),
    opener,
    menu,
  );
}

/** Runs one of the app's shortcuts, on a message or without one. */
export async function runShortcut(store, shortcut, channel, ts) {
  try {
    await api.post("shortcut", { user: store.me.id, callback_id: shortcut.callback_id, channel, ts });
  } catch (error) {
    toast(`“${shortcut.name}” did not work: ${error.message}`, { isProblem: true });
  }
}

function edit(message, place, content) {
  const { store, channel } = place;
  const area = h("textarea", { "aria-label": "Edit message", rows: 3, value: readable(message.text ?? "", store) });
  // What changed meanwhile was kept from the page while the editor was open.
  const restore = () => fillContent(content, store.messages.get(channel)?.get(message.ts) ?? message, place);
  const save = async () => {
    try {
      await api.post("edit", { user: store.me.id, channel, ts: message.ts, text: area.value });
      restore();
    } catch (error) {
      toast(error.message, { isProblem: true });
    }
  };
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") restore();
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      save();
    }
  });
  fill(
    content,
    h(
      "div",
      { class: "edit" },
      area,
      h("button", { type: "button", class: "button", on: { click: restore } }, "Cancel"),
      h("button", { type: "button", class: "button primary", on: { click: save } }, "Save"),
    ),
  );
  area.focus();
}

/** A message's text as it was typed. */
function readable(text, store) {
  const typed = text
    .replace(/<@([UW][A-Z0-9]+)(?:\|[^>]*)?>/g, (_, id) => `@${store.users.get(id)?.name ?? id}`)
    .replace(/<!subteam\^([A-Z0-9]+)(?:\|[^>]*)?>/g, (_, id) => `@${store.groups.get(id)?.handle ?? id}`)
    .replace(/<!(here|channel|everyone)>/g, "@$1")
    .replace(/<#([A-Z0-9]+)(?:\|[^>]*)?>/g, (_, id) => `#${store.names.channel(id) ?? id}`)
    .replace(/<([^|>]+)\|([^>]*)>/g, "$2")
    .replace(/<([^>]+)>/g, "$1");
  return unescaped(typed);
}

async function remove(message, { store, channel }) {
  const isSure = await ask({
    title: "Delete message",
    body: "Are you sure that you want to delete this message? This cannot be undone.",
    yes: "Delete",
    isDanger: true,
  });
  if (!isSure) return;
  try {
    await api.post("delete", { user: store.me.id, channel, ts: message.ts });
  } catch (error) {
    toast(error.message, { isProblem: true });
  }
}
