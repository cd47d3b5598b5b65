// Where messages and commands are written.

import * as api from "./api.js";
import { toast } from "./dialogs.js";
import { fill, h, icon, iconButton, unique } from "./dom.js";
import { openBeside } from "./element_parts.js";
import { runShortcut } from "./message.js";
import { nameOf } from "./store.js";
import { size } from "./times.js";

const _drafts = new Map();
const MAX_HEIGHT = 240;

/** A composer for a channel, or for a thread if `root` is given. */
export class Composer {
  constructor({ store, channel, root = null, label }) {
    this.store = store;
    this.channel = channel;
    this.root = root;
    this._key = `${store.me.id}:${channel}:${root ?? ""}`;
    this._files = [];
    this._choices = [];
    this._chosen = 0;
    const listId = unique("completions");
    this._area = h("textarea", {
      rows: 1,
      placeholder: label,
      "aria-label": label,
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": listId,
      value: _drafts.get(this._key) ?? "",
      on: {
        input: () => this._typed(),
        keydown: (event) => this._key_pressed(event),
        blur: () => setTimeout(() => this._offer([]), 150),
        paste: (event) => this._pasted(event),
      },
    });
    this._list = h("ul", { class: "completions", role: "listbox", id: listId, "aria-label": "Completions", hidden: true });
    this._hint = h("p", { class: "composer-hint", role: "status" });
    this._attached = h("ul", { class: "chosen-files" });
    this._input = h("input", { type: "file", multiple: true, hidden: true, "aria-label": "Attach files", on: { change: () => this._attach([...this._input.files]) } });
    this._send = iconButton("send", "Send", () => this._submit(), { class: "icon-button send" });
    this.node = h(
      "div",
      { class: "composer" },
      this._list,
      this._hint,
      h(
        "div",
        { class: "composer-box" },
        this._area,
        this._attached,
        h(
          "div",
          { class: "composer-tools" },
          iconButton("attach", "Attach files", () => this._input.click()),
          this._shortcuts(),
          this._input,
          h("span", { class: "composer-keys", "aria-hidden": "true" }, h("b", {}, "Enter"), " sends, ", h("b", {}, "Shift+Enter"), " begins a new line"),
          this._send,
        ),
      ),
    );
    this.node.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.node.classList.add("dropping");
    });
    this.node.addEventListener("dragleave", () => this.node.classList.remove("dropping"));
    this.node.addEventListener("drop", (event) => {
      event.preventDefault();
      this.node.classList.remove("dropping");
      this._attach([...event.dataTransfer.files]);
    });
    requestAnimationFrame(() => this._grow());
  }

  focus() {
    this._area.focus();
  }

  /** Takes files that were dropped elsewhere. */
  attach(files) {
    this._attach(files);
  }

  /** Puts `text` here, ready to be sent. */
  write(text) {
    this._area.value = text;
    this._typed();
    this._offer([]);
    this._area.focus();
  }

  _shortcuts() {
    const shortcuts = (this.store.app?.shortcuts ?? []).filter((shortcut) => shortcut.type === "global");
    if (!shortcuts.length || this.root) return null;
    const id = unique("menu");
    const opener = h("button", { type: "button", class: "icon-button", title: "Shortcuts", "aria-label": "Shortcuts", "aria-haspopup": "menu", popovertarget: id }, icon("bolt"));
    const menu = h("div", { class: "menu", role: "menu", id, popover: "auto", "aria-label": "Shortcuts" },
      shortcuts.map((shortcut) =>
        h("button", { type: "button", role: "menuitem", on: { click: () => {
          menu.hidePopover();
          runShortcut(this.store, shortcut);
        } } }, h("span", {}, shortcut.name), h("small", {}, this.store.app.name)),
      ),
    );
    openBeside(menu, opener);
    return [opener, menu];
  }

  _grow() {
    this._area.style.height = "auto";
    this._area.style.height = `${Math.min(this._area.scrollHeight, MAX_HEIGHT)}px`;
  }

  _typed() {
    const { value } = this._area;
    _drafts.set(this._key, value);
    this._grow();
    this._offer(this._completions(value.slice(0, this._area.selectionStart)));
    this._explain(value);
  }

  _explain(value) {
    const word = /^\/\S+(?=\s)/.exec(value)?.[0];
    const command = (this.store.app?.commands ?? []).find((one) => one.command === word);
    if (word && this.root) fill(this._hint, `Slash commands do not work in threads. Mention @${this._botName()} in place of ${word}.`);
    else if (command?.usage_hint) fill(this._hint, h("b", {}, command.command), ` ${command.usage_hint}`);
    else fill(this._hint);
  }

  _botName() {
    return this.store.users.get(this.store.app?.bot_user_id)?.name ?? "the app";
  }

  _completions(before) {
    if (/^\/\S*$/.test(before) && !this.root) {
      return (this.store.app?.commands ?? [])
        .filter((command) => command.command.startsWith(before))
        .map((command) => ({ text: command.command, note: [command.usage_hint, command.description].filter(Boolean), insert: `${command.command} `, length: before.length }));
    }
    const at = /(?:^|\s)@([\w.-]*)$/.exec(before);
    if (!at) return [];
    const wanted = at[1].toLowerCase();
    const people = [...this.store.users.values()].map((user) => ({ handle: user.name, note: nameOf(user) }));
    const groups = [...this.store.groups.values()].map((group) => ({ handle: group.handle, note: group.name }));
    return [...people, ...groups]
      .filter(({ handle, note }) => handle.toLowerCase().startsWith(wanted) || note?.toLowerCase().startsWith(wanted))
      .slice(0, 8)
      .map(({ handle, note }) => ({ text: `@${handle}`, note: [note], insert: `@${handle} `, length: at[1].length + 1 }));
  }

  _offer(choices) {
    this._choices = choices;
    this._chosen = 0;
    this._list.hidden = choices.length === 0;
    this._area.setAttribute("aria-expanded", String(choices.length > 0));
    this._show();
  }

  _show() {
    fill(
      this._list,
      this._choices.map((choice, index) =>
        h(
          "li",
          { role: "option", id: `${this._list.id}-${index}`, "aria-selected": String(index === this._chosen), on: { mousedown: (event) => {
            event.preventDefault();
            this._take(choice);
          } } },
          h("b", {}, choice.text),
          choice.note.map((note) => h("span", {}, note)),
        ),
      ),
    );
    if (this._choices.length) this._area.setAttribute("aria-activedescendant", `${this._list.id}-${this._chosen}`);
    else this._area.removeAttribute("aria-activedescendant");
  }

  _take(choice) {
    const end = this._area.selectionStart;
    this._area.setRangeText(choice.insert, end - choice.length, end, "end");
    this._offer([]);
    this._typed();
  }

  _key_pressed(event) {
    if (event.isComposing) return;
    if (this._choices.length) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) {
        event.preventDefault();
        this._chosen = (this._chosen + step + this._choices.length) % this._choices.length;
        this._show();
        return;
      }
      // What is written in full already needs no completion: Enter sends it.
      const chosen = this._choices[this._chosen];
      const isWhole = this._area.value.slice(0, this._area.selectionStart).endsWith(chosen.text);
      if (event.key === "Tab" || (event.key === "Enter" && !event.shiftKey && !isWhole)) {
        event.preventDefault();
        this._take(chosen);
        return;
      }
      if (event.key === "Escape") {
        event.stopPropagation();
        this._offer([]);
        return;
      }
    }
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this._submit();
    }
  }

  _pasted(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    this._attach(files);
  }

  async _attach(files) {
    this._input.value = "";
    for (const file of files) {
      const entry = { name: file.name, size: file.size, id: null };
      this._files.push(entry);
      this._showFiles();
      try {
        entry.id = await api.upload(this.store.me.id, file);
      } catch (error) {
        this._files = this._files.filter((one) => one !== entry);
        toast(`${file.name} could not be uploaded: ${error.message}`, { isProblem: true });
      }
      this._showFiles();
    }
    this._area.focus();
  }

  _showFiles() {
    fill(
      this._attached,
      this._files.map((file) =>
        h(
          "li",
          { class: file.id ? "" : "pending" },
          icon("file"),
          h("span", { class: "file-name" }, file.name),
          h("small", {}, file.id ? size(file.size) : "uploading …"),
          h("button", { type: "button", class: "link", "aria-label": `Remove ${file.name}`, on: { click: () => {
            this._files = this._files.filter((one) => one !== file);
            this._showFiles();
          } } }, "Remove"),
        ),
      ),
    );
  }

  async _submit() {
    const text = this._area.value.trim();
    if (this._files.some((file) => !file.id)) return;
    if (!text && !this._files.length) return;
    const isCommand = /^\/[a-z]/i.test(text) && !this._files.length;
    if (isCommand && this.root) {
      fill(this._hint, `Slash commands do not work in threads. Mention @${this._botName()} instead.`);
      return;
    }
    const files = this._files.map((file) => file.id);
    this._area.value = "";
    this._files = [];
    this._showFiles();
    this._typed();
    try {
      const where = { user: this.store.me.id, channel: this.channel, text };
      if (isCommand) await api.post("command", where);
      else await api.post("message", { ...where, ...(this.root && { thread_ts: this.root }), ...(files.length && { files }) });
    } catch (error) {
      // A command that failed is told in the channel, as Slack does.
      if (isCommand && error.answer) return;
      if (!this._area.value) {
        this._area.value = text;
        this._typed();
      }
      toast(error.message, { isProblem: true });
    }
  }
}
