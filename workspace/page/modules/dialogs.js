// Small dialogs: confirmations and messages that pass.

import { h } from "./dom.js";
import { textObject, words } from "./text_objects.js";

/** Asks what a `confirm` object asks; resolves to whether it was confirmed. */
export function confirmed(confirm, context) {
  return ask({
    title: words(confirm.title) || "Are you sure?",
    body: textObject(confirm.text, context),
    yes: words(confirm.confirm) || "Yes",
    no: words(confirm.deny) || "Cancel",
    isDanger: confirm.style === "danger",
  });
}

/** Asks a question with two answers. */
export function ask({ title, body, yes, no = "Cancel", isDanger = false }) {
  return new Promise((resolve) => {
    const answer = (given) => () => {
      dialog.returnValue = given;
      dialog.close();
    };
    const dialog = h(
      "dialog",
      { class: "modal small", "aria-label": title, on: { close: () => {
        dialog.remove();
        resolve(dialog.returnValue === "yes");
      } } },
      h("header", {}, h("h2", {}, title)),
      h("div", { class: "modal-body" }, h("div", { class: "confirm-text" }, body)),
      h(
        "footer",
        {},
        h("button", { type: "button", class: "button", on: { click: answer("no") } }, no),
        h("button", { type: "button", class: isDanger ? "button danger" : "button primary", on: { click: answer("yes") } }, yes),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
    dialog.querySelector("footer .button:last-child").focus();
  });
}

const SHOWN_SECONDS = 8;

/** A message that passes; it is read out as well. */
export function toast(text, { isProblem = false } = {}) {
  const place = document.getElementById("toasts");
  const shown = h("div", { class: isProblem ? "toast problem" : "toast", role: isProblem ? "alert" : "status" }, text);
  place.append(shown);
  setTimeout(() => shown.remove(), SHOWN_SECONDS * 1000);
}

/** Reads `text` out for those who cannot see it come. */
export function announce(text) {
  const region = document.getElementById("announcements");
  region.append(h("p", {}, text));
  while (region.childElementCount > 20) region.firstElementChild.remove();
}
