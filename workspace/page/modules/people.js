// How people and the app are shown.

import { h, icon } from "./dom.js";
import { nameOf } from "./store.js";

const COLOURS = 8;

/** A square with a person's initials, or the app's sign. */
export function avatar(user, isApp = false) {
  if (isApp || user?.is_bot) {
    return h("span", { class: "avatar app", "aria-hidden": "true" }, icon("bolt"));
  }
  const name = nameOf(user) ?? "?";
  const initials = name.split(/\s+/).map((word) => [...word][0]).slice(0, 2).join("").toUpperCase();
  const colour = [...(user?.id ?? name)].reduce((sum, character) => (sum * 31 + character.codePointAt(0)) % 9973, 7) % COLOURS;
  return h("span", { class: `avatar colour-${colour}`, "aria-hidden": "true" }, initials);
}
