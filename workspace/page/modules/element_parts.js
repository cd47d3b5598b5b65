// What Block Kit's elements have in common: their names, how an action is sent, their menus.

import { confirmed } from "./dialogs.js";
import { h, icon } from "./dom.js";
import { words } from "./text_objects.js";

/** What an element is called that nobody has given a name. */
const KINDS = { datepicker: "Date", timepicker: "Time", datetimepicker: "Date and time", overflow: "More choices", file_input: "File" };

export function attributes(description, { label, labelledBy, describedBy, invalid }) {
  return {
    "aria-label": labelledBy ? null : label || description.accessibility_label || words(description.placeholder) || KINDS[description.type],
    "aria-labelledby": labelledBy,
    "aria-describedby": describedBy,
    "aria-invalid": invalid ? "true" : null,
    data: { action: description.action_id },
  };
}

/** Sends an action, shows that it is under way, and shows what went wrong beside the element. */
export async function send(node, description, block, form, given) {
  if (description.confirm && !(await confirmed(description.confirm, form))) return false;
  node.classList.add("pending");
  node.setAttribute("aria-busy", "true");
  const problem = await form.act(block, description, given);
  node.classList.remove("pending");
  node.removeAttribute("aria-busy");
  const holder = node.closest(".element") ?? node;
  holder.querySelector(":scope > .ack-problem")?.remove();
  if (problem) {
    holder.append(h("span", { class: "ack-problem", role: "alert" }, icon("warning"), problem));
  }
  return true;
}

export function framed(node) {
  return h("div", { class: "element" }, node);
}

/** Puts a popover menu beside its opener, lets arrows move in it. */
export function openBeside(menu, opener) {
  menu.addEventListener("beforetoggle", (event) => {
    // Its size is known only once it is open: until it is in its place, it is not seen.
    if (event.newState === "open") menu.style.visibility = "hidden";
  });
  menu.addEventListener("toggle", (event) => {
    if (event.newState !== "open") return;
    const box = opener.getBoundingClientRect();
    const { width, height } = menu.getBoundingClientRect();
    const below = box.bottom + 4 + height <= window.innerHeight;
    menu.style.top = `${Math.max(8, below ? box.bottom + 4 : box.top - height - 4)}px`;
    menu.style.left = `${Math.max(8, Math.min(box.right - width, window.innerWidth - width - 8))}px`;
    menu.style.visibility = "";
    menu.querySelector("button:not(:disabled)")?.focus();
  });
  menu.addEventListener("keydown", (event) => {
    const items = [...menu.querySelectorAll("button:not(:disabled)")];
    const at = items.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    items[(at + step + items.length) % items.length]?.focus();
  });
}
