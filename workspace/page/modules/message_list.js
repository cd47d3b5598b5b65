// The messages of a channel or of a thread, kept up to date message by message.

import { announce } from "./dialogs.js";
import { fill, h } from "./dom.js";
import { isGrouped, messageNode } from "./message.js";
import { plain } from "./mrkdwn.js";
import { belongs } from "./store.js";
import { day, dayKey } from "./times.js";

const NEAR_END = 120;

/** A list of messages; `root` is the thread's root `ts`, null for a channel. */
export class MessageList {
  constructor({ store, channel, root = null, openThread = () => {} }) {
    this.store = store;
    this.channel = channel;
    this.root = root;
    this.openThread = openThread;
    this._nodes = new Map();
    this._list = h("div", { class: "messages" });
    this.node = h(
      "div",
      { class: "scroller", tabindex: "0", role: "region", "aria-label": root ? "Thread" : "Messages" },
      this._list,
    );
    this._listener = (event) => this._changed(event.detail);
    store.addEventListener("message", this._listener);
    this.rebuild();
    // What is loaded late (previews, fonts) must not push the newest message out of sight.
    this._isAtEnd = true;
    this.node.addEventListener("scroll", () => {
      this._isAtEnd = this._distance() < NEAR_END;
    });
    this._observer = new ResizeObserver(() => {
      if (this._isAtEnd) this.toEnd();
    });
    this._observer.observe(this._list);
  }

  close() {
    this.store.removeEventListener("message", this._listener);
    this._observer.disconnect();
  }

  /** Shows everything anew. */
  rebuild() {
    this._nodes.clear();
    const nodes = [];
    let previous = null;
    for (const message of this.store.list(this.channel, this.root)) {
      nodes.push(...this._entry(message, previous));
      previous = message;
    }
    fill(this._list, nodes.length ? nodes : h("p", { class: "empty" }, "Nothing has been written here yet."));
  }

  /** Once a frame is enough, however many messages come. */
  toEnd() {
    this._isAtEnd = true;
    this._frame ??= requestAnimationFrame(() => {
      this._frame = null;
      this.node.scrollTop = this.node.scrollHeight;
    });
  }

  _distance() {
    return this.node.scrollHeight - this.node.scrollTop - this.node.clientHeight;
  }

  _entry(message, previous) {
    const isNewDay = !previous || dayKey(previous.ts) !== dayKey(message.ts);
    const isRoot = this.root && message.ts === this.root;
    const node = this._make(message, isNewDay || isRoot || previous?.ts === this.root ? null : previous);
    const nodes = [];
    if (isNewDay && !this.root) nodes.push(h("div", { class: "day", role: "separator" }, h("span", {}, day(message.ts))));
    nodes.push(node);
    if (isRoot && message.reply_count) {
      const count = message.reply_count;
      nodes.push(h("div", { class: "replies-line", role: "separator" }, h("span", {}, count === 1 ? "1 reply" : `${count} replies`)));
    }
    return nodes;
  }

  _make(message, previous) {
    const node = messageNode(message, {
      store: this.store,
      channel: this.channel,
      inThread: Boolean(this.root),
      grouped: isGrouped(message, previous),
      openThread: this.openThread,
    });
    node.grouped = isGrouped(message, previous);
    this._nodes.set(message.ts, node);
    return node;
  }

  _changed({ channel, ts, message, isNew }) {
    if (channel !== this.channel) return;
    const old = this._nodes.get(ts);
    if (!message) {
      if (old) this.rebuild();
      return;
    }
    if (!belongs(message, this.root)) return;
    if (old) {
      this._replace(old, message);
      return;
    }
    const shown = this.store.list(this.channel, this.root);
    if (shown.at(-1)?.ts !== ts || shown.length === 1) {
      this.rebuild();
    } else {
      this._list.append(...this._entry(message, shown.at(-2)));
    }
    if (this._isAtEnd || message.user === this.store.me.id) this.toEnd();
    if (isNew && message.user !== this.store.me.id) {
      announce(`${this.store.names.user(message.user) ?? "Somebody"}: ${plain(message.text ?? "")}`);
    }
  }

  /** A message that is being edited here, or whose element has the focus, keeps them. */
  _replace(old, message) {
    if (old.querySelector(".edit")) return;
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const action = focused?.closest("[data-action]")?.dataset.action;
    const node = messageNode(message, {
      store: this.store,
      channel: this.channel,
      inThread: Boolean(this.root),
      grouped: old.grouped,
      openThread: this.openThread,
    });
    node.grouped = old.grouped;
    this._nodes.set(message.ts, node);
    old.replaceWith(node);
    if (action) node.querySelector(`[data-action="${CSS.escape(action)}"]`)?.focus();
    if (this.root === message.ts) {
      const line = this._list.querySelector(".replies-line span");
      const count = message.reply_count ?? 0;
      if (line) fill(line, count === 1 ? "1 reply" : `${count} replies`);
      else if (count) this.rebuild();
    }
  }
}
