// Modals (a stack, the top one is shown) and App Home.

import * as api from "./api.js";
import { renderBlocks } from "./blocks.js";
import { append, fill, h, icon } from "./dom.js";
import { words } from "./text_objects.js";

/** Shows the stack of the person's modals. */
export class Modals {
  constructor(store) {
    this.store = store;
    this._errors = {};
    this._shown = null;
    this._opener = null;
    this._dialog = h("dialog", { class: "modal", "aria-labelledby": "modal-title" });
    this._dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this._close();
    });
    document.body.append(this._dialog);
    store.addEventListener("views", () => this.show());
    store.addEventListener("reset", () => this.show());
  }

  /** The top view of the stack, or none. */
  show() {
    const view = this.store.views.at(-1) ?? null;
    if (!view) {
      this._shown = null;
      if (this._dialog.open) this._dialog.close();
      if (this._opener?.isConnected) this._opener.focus();
      this._opener = null;
      return;
    }
    if (this._shown?.id === view.id && this._shown?.hash === view.hash) return;
    if (this._shown?.id !== view.id) this._errors = {};
    if (!this._dialog.open) this._opener = document.activeElement;
    this._render(view);
    if (!this._dialog.open) this._dialog.showModal();
  }

  _render(view) {
    const isNew = this._shown?.id !== view.id;
    const body = this._dialog.querySelector(".modal-body");
    const focused = isNew ? null : this._place(document.activeElement);
    const scrolled = isNew ? 0 : (body?.scrollTop ?? 0);
    this._shown = view;
    const key = `view:${view.id}`;
    this.store.trim(key, view.blocks);
    const form = this.store.form(key, { view_id: view.id });
    this._form = form;
    const submit = h("button", { type: "submit", class: "button primary" }, words(view.submit) || "Submit");
    const content = h(
      "form",
      { novalidate: true, on: { submit: (event) => {
        event.preventDefault();
        this._submit(view, form, submit);
      } } },
      h(
        "header",
        {},
        view.previous_view_id ? h("button", { type: "button", class: "icon-button", "aria-label": "Back", title: "Back", on: { click: () => this._close() } }, icon("back")) : null,
        h("h2", { id: "modal-title" }, words(view.title)),
        h("button", { type: "button", class: "icon-button", "aria-label": "Close", title: "Close", on: { click: () => this._close(!view.previous_view_id) } }, icon("close")),
      ),
      h("div", { class: "modal-body", tabindex: "-1" }, h("p", { class: "form-error", role: "alert" }), renderBlocks(view.blocks, form, this._errors)),
      h(
        "footer",
        {},
        h("button", { type: "button", class: "button", on: { click: () => this._close() } }, words(view.close) || (view.submit ? "Cancel" : "Close")),
        view.submit ? submit : null,
      ),
    );
    fill(this._dialog, content);
    const newBody = this._dialog.querySelector(".modal-body");
    if (focused) this._dialog.querySelector(focused)?.focus();
    else if (isNew) requestAnimationFrame(() => this._focusFirst());
    newBody.scrollTop = scrolled;
  }

  _focusFirst() {
    const first = this._dialog.querySelector(
      "[autofocus], .modal-body input, .modal-body select, .modal-body textarea, .modal-body button, footer .button",
    );
    first?.focus({ preventScroll: true });
  }

  /** A selector by which the focused element is found again. */
  _place(element) {
    const block = element?.closest?.("[data-block]")?.dataset.block;
    if (!block || !this._dialog.contains(element)) return null;
    const tag = element.tagName.toLowerCase();
    const value = element.type === "radio" || element.type === "checkbox" ? `[value="${CSS.escape(element.value)}"]` : "";
    return `[data-block="${CSS.escape(block)}"] ${tag}${value}`;
  }

  _say(text) {
    fill(this._dialog.querySelector(".form-error"), text);
  }

  async _submit(view, form, button) {
    if (button.disabled) return;
    this._errors = missing(view, form);
    if (!Object.keys(this._errors).length) {
      button.disabled = true;
      button.classList.add("pending");
      append(button, [" …"]);
      try {
        await api.post("view", { user: this.store.me.id, view_id: view.id, verb: "submit", state: form.state() });
        // The modal closes, or changes, as soon as the page hears of it.
        await this.store.refresh();
      } catch (error) {
        if (this._shown?.id !== view.id) return;
        this._errors = error.answer?.errors ?? {};
        if (!error.answer?.errors) {
          this._render(this._shown);
          this._say(error.message);
          return;
        }
      }
    }
    if (this._shown?.id === view.id && (Object.keys(this._errors).length || button.isConnected)) {
      this._render(this._shown);
      this._dialog.querySelector(".invalid input, .invalid select, .invalid textarea, .invalid [tabindex]")?.focus();
      // The words under the field as well, not the field alone.
      this._dialog.querySelector(".invalid")?.scrollIntoView({ block: "nearest" });
    }
  }

  async _close(isAll = false) {
    const view = this._shown;
    if (!view) return;
    try {
      await api.post("view", { user: this.store.me.id, view_id: view.id, verb: "close", all: isAll });
    } catch (error) {
      this._say(error.message);
    }
  }
}

/** Fields that must be filled in, as a client of Slack's checks them before anything is sent. */
function missing(view, form) {
  const errors = {};
  for (const block of view.blocks) {
    if (block.type !== "input" || block.optional) continue;
    const value = form.value(block.block_id, block.element.action_id);
    const given = value && Object.entries(value).filter(([key]) => key !== "type").map(([, one]) => one)[0];
    if (given === undefined || given === null || given === "" || (Array.isArray(given) && !given.length)) {
      errors[block.block_id] = "Please complete this required field.";
    }
    const text = typeof given === "string" ? given : "";
    if (text && block.element.min_length && text.length < block.element.min_length) {
      errors[block.block_id] = `Please enter at least ${block.element.min_length} characters.`;
    }
  }
  return errors;
}

/** The app's Home tab. */
export function homeNode(store) {
  const view = store.home;
  if (!view) {
    return h("div", { class: "home" }, h("p", { class: "empty" }, "The app shows nothing here yet."));
  }
  const form = store.form(`view:${view.id}`, { view_id: view.id });
  store.trim(`view:${view.id}`, view.blocks);
  return h("div", { class: "home" }, renderBlocks(view.blocks, form));
}
